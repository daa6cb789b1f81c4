"""Keeps the leases of this process alive, and stops the runs that have lost theirs."""

import asyncio
import logging
from uuid import UUID

from docyard_common.database import Database
from docyard_common.errors import DependencyUnavailableError
from docyard_common.observability import metrics
from docyard_common.work import picking
from docyard_common.work.model import Lease

logger = logging.getLogger(__name__)


class Heartbeat:
    """One renewal for all running leases.

    A process that was stopped for longer than its leases finds within two beats that others took
    over, and stops working.
    """

    def __init__(self, *, database: Database, lease_s: float) -> None:
        self._database = database
        self._lease_s = lease_s
        self._runs: dict[int, tuple[Lease, asyncio.Task[None]]] = {}
        self._missed: set[int] = set()  # runs whose row the last beat did not find

    def hold(self, lease: Lease, run: asyncio.Task[None]) -> None:
        """Renew *lease* from here on; *run* is cancelled when it is lost."""
        self._runs[id(run)] = (lease, run)

    def drop(self, run: asyncio.Task[None]) -> None:
        """Stop renewing the lease of *run*: it has ended."""
        self._runs.pop(id(run), None)
        self._missed.discard(id(run))

    def cancel(self, document_id: UUID) -> None:
        """Stop every run of a document that was cancelled or deleted."""
        for lease, run in list(self._runs.values()):
            if lease.key.document_id == document_id:
                run.cancel()

    async def run(self) -> None:
        """Beat until cancelled; a database that is away is asked again at the next beat."""
        while True:
            await asyncio.sleep(self._lease_s / 3)
            try:
                await self.beat()
            except DependencyUnavailableError as error:
                logger.warning("heartbeat.missed", extra={"error": str(error)})

    async def beat(self) -> None:
        """Renew all leases once and remove what cancelled workers left."""
        held = list(self._runs.values())
        async with self._database.transaction() as tx:
            await picking.sweep_cancelled(tx)
            lost = await picking.renew(tx, [lease for lease, _ in held], lease_s=self._lease_s)
        metrics.LEASES_RENEWED.inc(len(held) - len(lost))
        gone = {lease.key for lease in lost}
        missed = {id(run) for lease, run in held if lease.key in gone} & self._runs.keys()
        # A run that has just settled has no row either: it ends before the next beat.
        for number in missed & self._missed:
            self._stop(*self._runs[number])
        self._missed = missed

    def _stop(self, lease: Lease, run: asyncio.Task[None]) -> None:
        metrics.LEASES_LOST.labels(lease.key.stage).inc()
        logger.warning("lease.lost", extra={"document_id": str(lease.key.document_id)})
        run.cancel()
