"""Tests of reports that are made by themselves."""
