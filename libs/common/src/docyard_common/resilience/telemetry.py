"""Shows the state of breakers in the metrics and the log."""

import logging
from typing import Final

from docyard_common.observability import metrics
from docyard_common.resilience.breaker import BreakerState, CircuitBreaker

logger = logging.getLogger(__name__)

_LEVELS: Final = {BreakerState.CLOSED: 0, BreakerState.HALF_OPEN: 1, BreakerState.OPEN: 2}


def show_state(breaker: CircuitBreaker) -> None:
    """Tell what *breaker* has become: made to be its `on_change`."""
    metrics.CIRCUIT_STATE.labels(breaker.name).set(_LEVELS[breaker.state])
    metrics.CIRCUIT_CHANGES.labels(breaker.name, breaker.state.value).inc()
    logger.warning(
        "breaker.changed", extra={"dependency": breaker.name, "state": breaker.state.value}
    )
