"""Specification of `alerts.incidents`."""
