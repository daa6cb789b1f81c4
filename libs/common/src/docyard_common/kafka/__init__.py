"""Kafka: topics, batch consumers with one shape, and producers."""
