"""Hands out memory to the stages of one process: one picks at a time, those held back are woken."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from docyard_common.delivery.memory import Estimates, Kind, MemoryBudget, Waiter
from docyard_common.events.stages import Stage
from docyard_common.observability import metrics
from docyard_common.work.model import Lease, WorkKey
from docyard_common.work.picking import Room, TooLarge


class Memory:
    """The budget of all stages of this process, and what documents have needed."""

    def __init__(self, *, budget_bytes: int, limit_bytes: int, patience_s: float) -> None:
        self.estimates = Estimates(limit_bytes=limit_bytes)
        self._budget = MemoryBudget(budget_bytes, patience_s=patience_s)
        self._picking = asyncio.Lock()
        self._held: dict[Stage, int] = {}
        self._wakers: dict[Stage, Callable[[], None]] = {}
        metrics.MEMORY_BUDGET.set(budget_bytes)

    def watch(self, stage: Stage, wake: Callable[[], None]) -> None:
        """Call *wake* when memory comes free while work of *stage* waits for it."""
        self._wakers[stage] = wake

    def held(self, stage: Stage) -> int:
        """How many due documents of *stage* wait for memory alone, as last seen."""
        return self._held.get(stage, 0)

    @asynccontextmanager
    async def room(self, stage: Stage) -> AsyncIterator[Room]:
        """Say what may begin; until the block ends no other stage is told the same."""
        async with self._picking:
            promised = self._budget.promised
            if promised and self._is_of(stage, promised) and self._budget.is_ready(promised.key):
                needs = promised.needs_bytes
                assert isinstance(promised.key, WorkKey)  # noqa: S101 - as `is_of` has seen
                yield Room(needs, alone=True, only=promised.key.document_id)
            else:
                yield Room(self._budget.room(), alone=self._budget.is_idle)

    def may_hold_back(self, room: Room) -> bool:
        """Whether some document could need more than *room* has."""
        return room.memory_bytes < self.estimates.limit_bytes

    def begin(self, leases: Sequence[Lease]) -> None:
        """Count the memory of runs that begin."""
        for lease in leases:
            self._budget.begin(lease.key, lease.memory_bytes)
        metrics.MEMORY_RESERVED.set(self._budget.used_bytes)

    def end(self, lease: Lease) -> None:
        """Give back the memory of a run, and learn from what it has used."""
        self._budget.end(lease.key)
        metrics.MEMORY_RESERVED.set(self._budget.used_bytes)
        if lease.meter.peak_memory_bytes:
            kind = Kind.of(lease.key.stage, lease.media_type, lease.size_bytes)
            self.estimates.observe(kind, lease.meter.peak_memory_bytes)
        for stage, count in self._held.items():
            if count and stage is not lease.key.stage:
                self._wakers[stage]()

    def hold_back(self, stage: Stage, found: TooLarge | None) -> None:
        """Note who of *stage* does not fit; who waits too long is waited for."""
        self._held[stage] = found.rows if found else 0
        metrics.STAGE_WAITING_FOR_MEMORY.labels(stage).set(self._held[stage])
        promised = self._budget.promised
        if promised and self._is_of(stage, promised) and (not found or found.key != promised.key):
            # It was cancelled, or another replica had the room.
            self._budget.withdraw(promised.key)
        if found is not None:
            self._budget.wait(Waiter(found.key, found.memory_bytes, found.waited_s))

    @staticmethod
    def _is_of(stage: Stage, waiter: Waiter) -> bool:
        return isinstance(waiter.key, WorkKey) and waiter.key.stage is stage
