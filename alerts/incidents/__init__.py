"""Incidents, and the 72 hours within which a leak of personal data is to be notified."""
