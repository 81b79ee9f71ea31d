-- What both sides of an agreement did about it, or about their connections as a whole.
SELECT to_timestamp(time / 1000000.0) AS time, kind || ': ' || agency AS text, kind AS tags
FROM lifecycle_events
WHERE time BETWEEN $__unixEpochFrom()::bigint * 1000000 AND $__unixEpochTo()::bigint * 1000000
  AND (agreement = ${agreement:sqlstring}
       OR (agreement IS NULL AND service IS NULL
           AND agency IN (${provider:sqlstring}, ${consumer:sqlstring})))
ORDER BY time
LIMIT 500
