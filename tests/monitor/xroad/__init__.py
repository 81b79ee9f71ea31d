"""Tests of X-Road records, from bytes to figures."""
