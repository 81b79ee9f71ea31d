-- Incidents at either side of an agreement, or that name it.
SELECT to_timestamp(detected_at / 1000000.0) AS time, id || ': ' || what AS text, kind AS tags
FROM incidents
WHERE detected_at BETWEEN $__unixEpochFrom()::bigint * 1000000 AND $__unixEpochTo()::bigint * 1000000
  AND (agency IN (${provider:sqlstring}, ${consumer:sqlstring})
       OR agreements::jsonb @> to_jsonb(ARRAY[${agreement:sqlstring}]::text[]))
ORDER BY detected_at
LIMIT 500
