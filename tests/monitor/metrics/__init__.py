"""Specification of `monitor.metrics`."""
