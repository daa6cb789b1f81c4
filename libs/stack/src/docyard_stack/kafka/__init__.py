"""Apache Kafka: its jars from Maven Central, run as one broker by the Java of a wheel."""
