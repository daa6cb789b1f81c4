"""What dead letters, their entries and replays are: values and decisions, no I/O."""
