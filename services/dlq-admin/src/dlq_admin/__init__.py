"""Finds, explains, replays and discards dead letters."""
