"""Tests of how reports are laid out."""
