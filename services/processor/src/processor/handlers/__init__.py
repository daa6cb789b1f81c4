"""What a slot does for each stage: fetch, run in a child, store."""
