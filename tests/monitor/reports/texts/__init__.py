"""Tests of what reports are written in words."""
