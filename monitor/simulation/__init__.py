"""A seeded picture of the national platform, for demos, tests and benchmarks."""
