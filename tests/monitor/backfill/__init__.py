"""Tests of monitor/backfill."""
