"""deploy/prometheus: its configuration, rules and runbooks."""
