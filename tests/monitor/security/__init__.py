"""Tests of monitor/security."""
