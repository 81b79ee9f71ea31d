"""Tests of monitor/lifecycle."""
