-- Exchanges of one pair by UTC day, over all partitions; an hour belongs to one day.
SELECT to_timestamp(hour / 86400 * 86400) AS day,
       sum(ok + fault + denied + timeout)::bigint AS exchanges,
       sum(fault + timeout)::bigint AS failed,
       sum(denied)::bigint AS denied,
       sum(slow)::bigint AS slow,
       sum(breached)::bigint AS breached,
       sum(breached)::float8 / nullif(sum(ok + fault + denied + timeout), 0)::float8 AS share
FROM cells
WHERE provider = ${provider:sqlstring}
  AND consumer = ${consumer:sqlstring}
  AND service = ${service:sqlstring}
  AND hour >= $__unixEpochFrom() / 3600 * 3600
  AND hour <= $__unixEpochTo()
GROUP BY day
ORDER BY day DESC
