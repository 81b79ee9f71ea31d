"""Specification of `monitor.events`."""
