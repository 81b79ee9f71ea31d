"""The record-batch transport: one Faust message for everything one fetch brought for a partition."""
