"""Sends dead letters back to work: orders become replays, a runner moves their entries."""
