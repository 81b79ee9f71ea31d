"""Specification of `monitor.judging`."""
