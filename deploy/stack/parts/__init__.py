"""The programs that a stack consists of; the tests start theirs with the same code."""
