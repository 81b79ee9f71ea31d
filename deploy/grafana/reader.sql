-- The user that Grafana reads the monitor's PostgreSQL as: whoever sees a dashboard can have Grafana send any
-- statement, so it can read the tables that dashboards show, and nothing else.
-- Run it once after `monitor migrate`, as the owner of the tables, and then give it a password:
--   ALTER ROLE grafana PASSWORD '…';
CREATE ROLE grafana LOGIN CONNECTION LIMIT 10;
ALTER ROLE grafana SET default_transaction_read_only = on;
ALTER ROLE grafana SET statement_timeout = '15s';
GRANT SELECT ON cells, findings, alerts, incidents, lifecycle_events TO grafana;
