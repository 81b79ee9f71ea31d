"""Asking security servers for their operational-monitoring records (X-Road's protocol PR-OPMON)."""
