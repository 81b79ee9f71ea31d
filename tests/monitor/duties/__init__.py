"""Tests of monitor/duties."""
