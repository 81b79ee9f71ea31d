"""Tests of monitor/indicators."""
