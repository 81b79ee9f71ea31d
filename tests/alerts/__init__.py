"""Specification of `alerts`."""
