"""Specification of `alerts.engine`."""
