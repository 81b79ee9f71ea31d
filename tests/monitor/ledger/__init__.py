"""Specification of `monitor.ledger`."""
