-- Breaches by kind of one pair in the hours shown, over all partitions.
SELECT breach,
       sum(count)::bigint AS breaches,
       sum(denied)::bigint AS denied,
       max(version) AS version,
       to_timestamp(min(first_time) / 1000000.0) AS first_seen,
       to_timestamp(max(last_time) / 1000000.0) AS last_seen
FROM findings
WHERE provider = ${provider:sqlstring}
  AND consumer = ${consumer:sqlstring}
  AND service = ${service:sqlstring}
  AND hour >= $__unixEpochFrom() / 3600 * 3600
  AND hour <= $__unixEpochTo()
GROUP BY breach
ORDER BY breaches DESC
