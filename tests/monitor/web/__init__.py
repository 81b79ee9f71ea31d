"""Tests of the overview: its figures, its order, its page."""
