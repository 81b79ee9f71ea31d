"""Tests mirror the packages; `parts` starts the real programs that some of them need."""
