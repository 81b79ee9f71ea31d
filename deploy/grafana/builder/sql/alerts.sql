-- Open alerts with the first and last events they rest on. TITLE is the column of the language.
SELECT level,
       agency,
       TITLE AS title,
       grouped_by AS about,
       count,
       risk_score,
       to_timestamp(first_time / 1000000.0) AS first_seen,
       to_timestamp(last_time / 1000000.0) AS last_seen,
       owner,
       coalesce(acknowledged_by, '') AS desk,
       (SELECT string_agg(DISTINCT each ->> 1, ', ')
        FROM jsonb_array_elements(evidence::jsonb || latest::jsonb) AS each) AS evidence,
       facts,
       runbook,
       id || '/' || episode AS alert
FROM alerts
WHERE state = 'open' AND agency ~ '^(${agency:regex})$'
ORDER BY level DESC, last_time DESC
LIMIT 500
