"""The work table: what Kafka asked for, picked under a lease, finished under a fence."""
