"""Kafka and Faust: the worker, the record-batch transport, topics, and the commands that need a broker."""
