"""Specification of `alerts.risk`."""
