"""Specification of `monitor.objectives`."""
