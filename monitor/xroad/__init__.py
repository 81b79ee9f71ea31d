"""X-Road's operational-monitoring records: decoded, paired, measured, and counted as exchanges."""
