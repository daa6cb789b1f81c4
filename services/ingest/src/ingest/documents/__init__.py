"""What may be asked of a document that is here: its artifacts, its cancellation, its erasure."""
