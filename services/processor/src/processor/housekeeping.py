"""Forgets what can no longer matter, and shows how long things have been waiting."""

import asyncio
import logging
from collections.abc import Sequence

from docyard_common.database import Database
from docyard_common.errors import DependencyUnavailableError
from docyard_common.events.stages import Priority, Stage
from docyard_common.observability import metrics
from processor.memory_history import MemoryHistory

logger = logging.getLogger(__name__)

_INTERVAL_S = 15.0

# Work topics keep a record for 7 days: a mark is needed for as long as one may come again.
_FORGET = (
    "delete from cancellations where at < now() - interval '8 days'",
    "delete from rejected_records where at < now() - interval '8 days'",
    "delete from model_documents where at < now() - interval '8 days'",
    "delete from model_days where day < current_date - 400",
    "delete from stage_runs where ended_at < now() - interval '30 days'",
    "delete from work where state = 'dead' and waiting_since < now() - interval '31 days'",
)
_WAITING = """
select lane, count(*) as rows, extract(epoch from now() - min(due_at))::float8 as oldest_s
from work where stage = %s and state = 'waiting' group by lane
"""
_OUTBOX = """
select count(*) as rows,
    coalesce(extract(epoch from now() - min(created_at)), 0)::float8 as oldest_s
from outbox
"""


class Housekeeping:
    """Runs in every replica; all of it is idempotent."""

    def __init__(
        self, stages: Sequence[Stage], *, database: Database, memory: MemoryHistory
    ) -> None:
        self._stages = stages
        self._database = database
        self._memory = memory

    async def run(self) -> None:
        """Tidy and measure four times a minute, until cancelled."""
        while True:
            try:
                await self.tidy()
                await self.measure()
                await self._memory.exchange()
            except DependencyUnavailableError as error:
                logger.warning("housekeeping.waiting", extra={"error": str(error)})
            await asyncio.sleep(_INTERVAL_S)

    async def tidy(self) -> None:
        """Delete rows that no redelivery, replay or reader can ask for any more."""
        async with self._database.transaction() as tx:
            for statement in _FORGET:
                await tx.execute(statement)

    async def measure(self) -> None:
        """Set the gauges of the work table and the outbox."""
        async with self._database.transaction() as tx:
            for stage in self._stages:
                rows = await (await tx.execute(_WAITING, (stage,))).fetchall()
                _show(stage, {row["lane"]: (row["rows"], row["oldest_s"]) for row in rows})
            row = await (await tx.execute(_OUTBOX)).fetchone()
        if row:
            metrics.OUTBOX_PENDING.set(row["rows"])
            metrics.OUTBOX_OLDEST.set(row["oldest_s"])


def _show(stage: Stage, lanes: dict[str, tuple[int, float]]) -> None:
    for lane in Priority:
        metrics.STAGE_WAITING.labels(stage, lane).set(lanes.get(lane, (0, 0.0))[0])
    oldest = max((age for _, age in lanes.values()), default=0.0)
    metrics.STAGE_OLDEST.labels(stage).set(max(0.0, oldest))
