"""Holds a call to a circuit breaker."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from docyard_common.errors import DependencyUnavailableError, NotAskedError
from docyard_common.resilience.breaker import CircuitBreaker


@asynccontextmanager
async def guarded(breaker: CircuitBreaker) -> AsyncIterator[None]:
    """Let the block run if *breaker* allows, and tell it how that went.

    Only DependencyUnavailableError is a failure: any other error is an answer. A cancel says
    nothing. Raises NotAskedError at once while the breaker is open.
    """
    if not breaker.allow():
        raise NotAskedError(breaker.name, f"not asked before {breaker.retry_at}")
    try:
        yield
    except DependencyUnavailableError:
        breaker.record_failure()
        raise
    except Exception:
        breaker.record_success()
        raise
    breaker.record_success()
