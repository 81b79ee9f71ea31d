"""Dossiers of public services: what is known of each, and the index of service quality made of them."""
