"""Tests of alerts/baselines."""
