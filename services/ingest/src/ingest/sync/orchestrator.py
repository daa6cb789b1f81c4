"""Picks jobs that are due and runs them: new, watched, or of a replica that died."""

import asyncio
import logging
import os
import socket
from typing import Final

from docyard_common.database import Database
from docyard_common.errors import DependencyUnavailableError
from docyard_common.observability import metrics
from ingest.folder_job import JobLease
from ingest.sync.folders import Roots
from ingest.sync.ledger import Ledger, superseded
from ingest.sync.parts import SyncParts
from ingest.sync.run import JobRun
from ingest.tables import sync_jobs

logger = logging.getLogger(__name__)

_POLL_S: Final = 1.0
_AFTER_A_DEFECT_S: Final = 30.0
_AFTER_AN_OUTAGE_S: Final = 1.0
_FORGET_EVERY_S: Final = 600.0
_FORGET_AFTER_S: Final = 86_400.0
"""A job that was deleted answers 204 again for so long."""
_RELEASE_S: Final = 2.0


class Orchestrator:
    """Runs for as long as the service does. Of several replicas one has a job at a time."""

    def __init__(self, database: Database, roots: Roots, parts: SyncParts) -> None:
        self._database = database
        self._roots = roots
        self._parts = parts
        self._worker = f"{socket.gethostname()}:{os.getpid()}"
        self._running: set[asyncio.Task[None]] = set()
        self._news = asyncio.Event()

    def wake(self) -> None:
        """Say that a job may be due."""
        self._news.set()

    async def run(self) -> None:
        """Work until cancelled; then give back what is held, so that others go on at once."""
        forgotten_at = 0.0
        loop = asyncio.get_running_loop()
        try:
            while True:
                try:
                    await self._fill()
                    if loop.time() - forgotten_at >= _FORGET_EVERY_S:
                        await self._forget()
                        forgotten_at = loop.time()
                except DependencyUnavailableError as error:
                    logger.warning("sync.postponed", extra={"error": str(error)})
                await self._wait()
        finally:
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(_POLL_S):
                await self._news.wait()
        except TimeoutError:
            return
        self._news.clear()

    async def _fill(self) -> None:
        """Start what is due, while there is room."""
        settings = self._parts.settings
        while self._roots.prefixes and len(self._running) < settings.jobs:
            async with self._database.transaction() as tx:
                lease = await sync_jobs.pick(
                    tx, self._roots.prefixes, worker=self._worker, lease_s=settings.lease_s
                )
            if lease is None:
                return
            task = asyncio.create_task(self._work(lease))
            self._running.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._news.set()

    async def _work(self, lease: JobLease) -> None:
        """Run a job to the end of its pass, or give it back."""
        outcome = "superseded"
        try:
            with metrics.SYNC_JOBS.track_inprogress():
                outcome = await self._run(lease)
        except asyncio.CancelledError:
            await self._release(lease, again_s=0.0)
            raise
        except DependencyUnavailableError:
            await self._release(lease, again_s=_AFTER_AN_OUTAGE_S)
        except Exception as error:
            if not superseded(error):
                outcome = "broken"
                logger.exception("sync.run_broke")
                await self._release(lease, again_s=_AFTER_A_DEFECT_S)
        metrics.SYNC_ENDS.labels(outcome).inc()

    async def _run(self, lease: JobLease) -> str:
        ledger = Ledger(self._database, lease, lease_s=self._parts.settings.lease_s)
        async with asyncio.TaskGroup() as group:
            beating = group.create_task(ledger.run())
            state = await JobRun(lease.job, ledger, self._parts).run()
            beating.cancel()
        return state.value.lower()

    async def _release(self, lease: JobLease, *, again_s: float) -> None:
        """Give a job back; where that fails, its lease ends by itself."""
        try:
            async with asyncio.timeout(_RELEASE_S), self._database.transaction() as tx:
                await sync_jobs.release(tx, lease, again_s=again_s)
        except (DependencyUnavailableError, TimeoutError) as error:
            logger.warning("sync.not_released", extra={"error": str(error)})

    async def _forget(self) -> None:
        async with self._database.transaction() as tx:
            await sync_jobs.forget(tx, older_than_s=_FORGET_AFTER_S)
