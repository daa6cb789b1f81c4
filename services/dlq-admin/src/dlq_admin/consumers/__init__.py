"""What this service reads from Kafka: dead letters, and facts about documents that have some."""
