"""Sending alerts out: Alertmanager and webhooks, for certain."""
