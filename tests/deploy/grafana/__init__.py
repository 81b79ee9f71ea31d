"""Tests of the dashboards: what they ask for exists, and what they say is whole."""
