"""Specification of `monitor.storage`."""
