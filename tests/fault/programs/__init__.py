"""The processor with something changed: slow stages, or a defect that a test must notice."""
