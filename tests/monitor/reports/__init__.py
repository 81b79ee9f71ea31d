"""Tests of the report that people sign."""
