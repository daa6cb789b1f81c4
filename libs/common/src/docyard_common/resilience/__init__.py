"""Failing well: circuit breakers."""

from docyard_common.resilience.breaker import BreakerState, CircuitBreaker
from docyard_common.resilience.guard import guarded

__all__ = ["BreakerState", "CircuitBreaker", "guarded"]
