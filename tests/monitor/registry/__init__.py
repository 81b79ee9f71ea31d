"""Tests of the registry: what it refuses and how it says so, what it finds, the example, the command."""
