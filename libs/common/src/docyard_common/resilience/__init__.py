"""Failing well: circuit breakers."""

from docyard_common.resilience.breaker import BreakerState, CircuitBreaker
from docyard_common.resilience.guard import guarded
from docyard_common.resilience.telemetry import show_state

__all__ = ["BreakerState", "CircuitBreaker", "guarded", "show_state"]
