"""Tests of monitor/dossiers."""
