"""The wire contract: every event and command on Kafka, its topic, and how it is written."""
