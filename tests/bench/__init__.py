"""Benchmarks: what the worker does beside what others do, on the same topic, in one run."""
