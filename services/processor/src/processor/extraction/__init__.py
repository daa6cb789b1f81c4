"""Text, metadata and pictures out of documents: one port, one extractor per kind of format."""
