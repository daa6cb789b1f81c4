"""What one run of a job writes: outcomes in batches and its lease, all under its fence."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

from docyard_common.database import Database, Transaction
from docyard_common.errors import DependencyUnavailableError, SupersededError
from docyard_common.observability import metrics
from ingest.folder_job import Failed, FileOutcome, FileWork, JobLease, Uploaded
from ingest.tables import sync_files, sync_jobs

logger = logging.getLogger(__name__)

_Result = TypeVar("_Result")

_BEAT_S: Final = 1.0
"""So soon a delete or a takeover is noticed where nothing else is written."""
_FLUSH_S: Final = 0.2
_FLUSH_AT: Final = 200
_AGAIN_S: Final = 0.5


class Ledger:
    """Keeps the lease of one job and writes what became of its files.

    A kill -9 loses the outcomes of the last moments: the next run finds those objects in the store.
    """

    def __init__(self, database: Database, lease: JobLease, *, lease_s: float) -> None:
        self._database = database
        self._lease = lease
        self._lease_s = lease_s
        self._outcomes: list[FileOutcome] = []
        self._news = asyncio.Event()
        self._renewed = asyncio.Event()
        self._writing = asyncio.Lock()
        self._waiting_for: dict[object, str] = {}
        # Counted from before the pick was asked for, it would be exact; a second makes up for it.
        self._held_until = time.monotonic() + lease_s - _BEAT_S

    @property
    def is_held(self) -> bool:
        """Whether nobody else can have the job; only while it is, objects may be put."""
        return time.monotonic() < self._held_until

    async def run(self) -> None:
        """Renew and write until cancelled. Raises SupersededError.

        While the database is away it waits; workers wait with it once the lease may have ended.
        """
        while True:
            try:
                async with asyncio.timeout(_BEAT_S):
                    await self._news.wait()
                await asyncio.sleep(_FLUSH_S)
            except TimeoutError:
                pass
            try:
                await self.flush()
            except DependencyUnavailableError as error:
                logger.warning("sync.database_away", extra={"error": str(error)})
                await asyncio.sleep(_AGAIN_S)

    async def held(self) -> None:
        """Wait until the lease is sure to be ours; `run` renews it, or ends the run."""
        while not self.is_held:
            self._renewed.clear()
            await self._renewed.wait()

    async def settle(self, outcome: FileOutcome) -> None:
        """Take an outcome; it is written within a moment."""
        self._outcomes.append(outcome)
        if len(self._outcomes) >= _FLUSH_AT:
            self._news.set()
            await self.flush_patiently()
        elif len(self._outcomes) == 1:
            self._news.set()

    def waits(self, who: object, dependency: str | None) -> None:
        """Show that *who* waits for a server, or does not any more."""
        if dependency is None:
            self._waiting_for.pop(who, None)
        else:
            self._waiting_for[who] = dependency

    async def doubt(self, works: Sequence[FileWork]) -> None:
        """Have files looked at again that were put while the lease may have been another's."""
        async with self._database.transaction() as tx:
            await sync_jobs.wake(tx, self._lease.job.job_id)
            await sync_files.doubt(tx, self._lease.job.job_id, [work.path for work in works])

    async def flush(self) -> None:
        """Write outcomes and renew. Raises SupersededError or DependencyUnavailableError."""
        async with self._writing:
            outcomes, self._outcomes = self._outcomes, []
            self._news.clear()
            try:
                await self.write(lambda tx: self._write(tx, outcomes))
            except DependencyUnavailableError:
                self._outcomes = outcomes + self._outcomes
                raise
        _show(outcomes)

    async def change(self, change: Callable[[Transaction], Awaitable[_Result]]) -> _Result:
        """Do as `write`, however long the database is away. Raises SupersededError."""
        return await self.patiently(lambda: self.write(change))

    async def flush_patiently(self) -> None:
        """Write outcomes, however long the database is away. Raises SupersededError."""
        await self.patiently(self.flush)

    async def write(self, change: Callable[[Transaction], Awaitable[_Result]]) -> _Result:
        """Renew, and make *change* in the same transaction.

        Raises SupersededError, then nothing was written, or DependencyUnavailableError.
        """
        asked_at = time.monotonic()
        async with self._database.transaction() as tx:
            await sync_jobs.hold(tx, self._lease, lease_s=self._lease_s)
            result = await change(tx)
        self._held_until = asked_at + self._lease_s
        self._renewed.set()
        return result

    async def patiently(self, act: Callable[[], Awaitable[_Result]]) -> _Result:
        """Do *act* until the database is there. Raises SupersededError."""
        while True:
            try:
                return await act()
            except DependencyUnavailableError as error:
                logger.warning("sync.database_away", extra={"error": str(error)})
                await asyncio.sleep(_AGAIN_S)

    async def _write(self, tx: Transaction, outcomes: Sequence[FileOutcome]) -> None:
        job = self._lease.job
        waiting = next(iter(self._waiting_for.values()), None)
        await sync_jobs.wait_for(tx, job.job_id, waiting)
        if not outcomes:
            return
        ended = await sync_files.settle(tx, job.job_id, outcomes)
        await sync_jobs.add(tx, job.job_id, ended)


def _show(outcomes: Sequence[FileOutcome]) -> None:
    for outcome in outcomes:
        match outcome:
            case Uploaded(sent=True):
                metrics.SYNC_FILES.labels("uploaded").inc()
                metrics.SYNC_BYTES.inc(outcome.work.signature.size_bytes)
            case Uploaded():
                metrics.SYNC_FILES.labels("unchanged").inc()
            case Failed():
                metrics.SYNC_FILES.labels("failed").inc()
            case _:
                metrics.SYNC_FILES.labels("postponed").inc()


def superseded(error: BaseException) -> bool:
    """Whether a group of errors says no more than that the run has lost its job."""
    if isinstance(error, BaseExceptionGroup):
        return all(superseded(inner) for inner in error.exceptions)
    return isinstance(error, SupersededError)
