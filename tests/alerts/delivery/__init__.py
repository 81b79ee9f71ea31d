"""Specification of `alerts.delivery`."""
