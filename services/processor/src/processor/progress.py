"""How far a run is, told a few times a second."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from docyard_common.events import sequence, topics
from docyard_common.events.documents import DocumentProgressed
from docyard_common.kafka.producer import ProgressPublisher
from docyard_common.work.model import Lease

_QUIET_S = 0.1
"""A run that ends within this long needs no ticks: its end says more."""
_MIN_INTERVAL_S = 0.25
"""At most four ticks a second and document: what a person can follow."""


class ProgressReporter:
    """The ticks of one run; `seq` grows with each, and a later run's fence is above them all."""

    def __init__(
        self,
        lease: Lease,
        publisher: ProgressPublisher,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lease = lease
        self._publisher = publisher
        self._monotonic = monotonic
        self._started = monotonic()
        self._told = self._started + _QUIET_S - _MIN_INTERVAL_S
        self._first: int | None = None
        self._tick = 0

    async def pages(self, done: int, total: int | None, message: str = "") -> None:
        """Tell that *done* of *total* pages are finished; skipped when the last tick is recent."""
        now = self._monotonic()
        self._first = done if self._first is None else self._first
        if now - self._told < _MIN_INTERVAL_S:
            return
        self._told = now
        self._tick += 1
        await self._publisher.publish(topics.PROGRESS, self._event(done, total, message, now))

    def _event(self, done: int, total: int | None, message: str, now: float) -> DocumentProgressed:
        lease = self._lease
        return DocumentProgressed(
            document_id=lease.key.document_id,
            owner=lease.owner,
            generation=lease.key.generation,
            seq=sequence.position(
                generation=lease.key.generation,
                stage=lease.key.stage,
                fence=lease.fence,
                tick=self._tick,
            ),
            stage=lease.key.stage,
            attempt=lease.attempt,
            at=datetime.now(UTC),
            pages_done=done,
            pages_total=total,
            eta_s=self._eta_s(done, total, now),
            message=message,
        )

    def _eta_s(self, done: int, total: int | None, now: float) -> float | None:
        """From this run's own pace: pages that an earlier run finished took it no time."""
        worked = done - (self._first or 0)
        if total is None or worked <= 0:
            return None
        return round((now - self._started) / worked * max(0, total - done), 1)
