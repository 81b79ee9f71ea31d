"""Tests of monitor/xroad/pull."""
