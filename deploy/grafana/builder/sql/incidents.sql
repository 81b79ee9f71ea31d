-- Incidents that are not settled; a clock runs while one is open and personal data may be concerned.
SELECT id,
       agency,
       tier,
       kind,
       what,
       status,
       personal_data,
       CASE WHEN status = 'open' AND personal_data <> 'no'
            THEN due_at / 1000000 - extract(epoch FROM now())::bigint END AS remaining,
       to_timestamp(detected_at / 1000000.0) AS detected,
       records,
       persons,
       (SELECT string_agg(each, ', ') FROM jsonb_array_elements_text(alerts::jsonb) AS each) AS alerts,
       (SELECT string_agg(each, ', ') FROM jsonb_array_elements_text(events::jsonb) AS each) AS evidence
FROM incidents
WHERE status IN ('open', 'notified') AND agency ~ '^(${agency:regex})$'
ORDER BY due_at
LIMIT 500
