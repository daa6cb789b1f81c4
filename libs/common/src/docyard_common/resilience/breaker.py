"""A circuit breaker as pure policy: it is asked and told, and calls nothing itself.

Published breakers wrap a call. Slots need to ask before there is a call (an open breaker pauses a
whole stage), and tests need to own the time: hence this one.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum

from docyard_common.clock import Clock, SystemClock


class BreakerState(StrEnum):
    """Closed lets calls through, open lets none, half-open lets one through as a probe."""

    CLOSED = "closed"
    HALF_OPEN = "half_open"
    OPEN = "open"


class CircuitBreaker:
    """Opens after *failure_threshold* failures in a row, then probes; not for several threads.

    The first pause is *open_s*; every failed probe doubles it, up to *open_max_s*.
    """

    def __init__(
        self,
        name: str,
        *,
        failure_threshold: int = 5,
        open_s: float = 5.0,
        open_max_s: float = 60.0,
        clock: Clock | None = None,
        on_change: Callable[["CircuitBreaker"], None] | None = None,
    ) -> None:
        self.name = name
        self.state = BreakerState.CLOSED
        self.failures = 0
        """Failures in a row."""
        self.opened_at: datetime | None = None
        self.retry_at: datetime | None = None
        """When the next probe is let through; None while closed."""
        self._threshold = failure_threshold
        self._open_s = open_s
        self._open_max_s = open_max_s
        self._pause_s = open_s
        self._clock = clock or SystemClock()
        self._on_change = on_change

    def allow(self) -> bool:
        """Whether a call may be made now. True in half-open hands out the one probe.

        A probe that never reports back counts as lost after a pause, and another one may go.
        """
        if self.state is BreakerState.CLOSED:
            return True
        now = self._clock.now()
        if self.retry_at is not None and now < self.retry_at:
            return False
        self.retry_at = now + timedelta(seconds=self._pause_s)
        self._become(BreakerState.HALF_OPEN)
        return True

    def give_back(self) -> None:
        """Take back the probe that was let through: no call was made, the next one may be it."""
        if self.state is BreakerState.HALF_OPEN:
            self.retry_at = self._clock.now()

    def record_success(self) -> None:
        """Close: whatever answers is well."""
        self.failures = 0
        self._pause_s = self._open_s
        self.opened_at = self.retry_at = None
        self._become(BreakerState.CLOSED)

    def record_failure(self) -> None:
        """Count a failure. One that comes in while open was under way before: it says nothing."""
        self.failures += 1
        if self.state is BreakerState.HALF_OPEN:
            self._pause_s = min(self._pause_s * 2, self._open_max_s)
            self._open()
        elif self.state is BreakerState.CLOSED and self.failures >= self._threshold:
            self._open()

    def restore(self, *, failures: int, opened_at: datetime, retry_at: datetime) -> None:
        """Be open as another process was: until *retry_at*, and then for a single probe."""
        self.failures = max(failures, self._threshold)
        self.opened_at, self.retry_at = opened_at, retry_at
        self._become(BreakerState.OPEN)

    def reset(self) -> None:
        """Close by hand, as an operator does who knows better."""
        self.record_success()

    def _open(self) -> None:
        now = self._clock.now()
        self.opened_at = self.opened_at or now
        self.retry_at = now + timedelta(seconds=self._pause_s)
        self._become(BreakerState.OPEN)

    def _become(self, state: BreakerState) -> None:
        if state is self.state:
            return
        self.state = state
        if self._on_change is not None:
            self._on_change(self)
