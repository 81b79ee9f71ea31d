"""Specification of `alerts.lifecycle`."""
