"""Ends what time has ended, and takes the figures that dashboards show."""

import asyncio
import logging
from datetime import timedelta
from typing import Final

from dlq_admin.domain.entries import SETTLED
from dlq_admin.tables import reports, settling
from docyard_common.clock import Clock
from docyard_common.database import Database
from docyard_common.errors import DependencyUnavailableError
from docyard_common.events.stages import Stage
from docyard_common.observability import metrics

logger = logging.getLogger(__name__)

_SOON: Final = timedelta(days=1)


class Sweep:
    """Expires and forgets entries; every replica may run one, twice does no harm."""

    def __init__(
        self, database: Database, *, clock: Clock, history: timedelta, interval_s: float
    ) -> None:
        self._database = database
        self._clock = clock
        self._history = history
        self._interval_s = interval_s

    async def run(self) -> None:
        """Sweep until cancelled; waits out a database that is away."""
        while True:
            try:
                await self.once()
            except DependencyUnavailableError as error:
                logger.warning("sweep.waiting", extra={"error": str(error)})
            await asyncio.sleep(self._interval_s)

    async def once(self) -> None:
        """Sweep. Raises DependencyUnavailableError."""
        now = self._clock.now()
        async with self._database.transaction() as tx:
            expired = await settling.expire(tx, now=now)
            forgotten = await settling.forget(tx, before=now - self._history, settled=SETTLED)
            rows = await reports.by_state(tx, soon=now + _SOON)
        if expired or forgotten:
            logger.info("sweep.done", extra={"expired": expired, "forgotten": forgotten})
        for stage in Stage:
            of_stage = [row for row in rows if row["stage"] == stage]
            opened = [row for row in of_stage if row["state"] == "open"]
            parked = [row for row in of_stage if row["state"] == "parked"]
            oldest = min((row["oldest"] for row in opened), default=now)
            metrics.DLQ_OPEN.labels(stage).set(sum(row["count"] for row in opened))
            metrics.DLQ_PARKED.labels(stage).set(sum(row["count"] for row in parked))
            metrics.DLQ_OLDEST.labels(stage).set(max((now - oldest).total_seconds(), 0.0))
