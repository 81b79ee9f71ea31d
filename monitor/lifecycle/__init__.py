"""Lifecycle events: the ledger and the store of a partition of them, and what is read from their table."""
