"""Chunks: the unit a search answers with."""
