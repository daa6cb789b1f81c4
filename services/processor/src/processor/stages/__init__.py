"""What runs inside the child: one function per stage, pure of Kafka and PostgreSQL."""
