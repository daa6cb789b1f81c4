"""Delivery as pure policy: outcomes, retries, scheduling, the guard. No framework, no I/O."""
