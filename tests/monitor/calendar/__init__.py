"""Specification of `monitor.calendar`."""
