"""Puts the parts of folder jobs together, for the composition root."""

import asyncio
from typing import Final

from docyard_common.clock import Clock
from docyard_common.database import Database
from ingest.settings import IngestSettings
from ingest.sync.destinations import Destinations, OpenBucket
from ingest.sync.documents import DocumentMaker
from ingest.sync.folders import Roots
from ingest.sync.jobs import FolderJobs
from ingest.sync.monitor import ChangeMonitor
from ingest.sync.orchestrator import Orchestrator
from ingest.sync.parts import SyncParts
from ingest.sync.sending import Sender
from ingest.sync.threads import FolderThreads

_SCANS: Final = 2
"""Threads beside those of the workers: for scans, and for requests that look at a folder."""


class FolderSync:
    """Folder jobs as a whole: what is asked for, what works on it, what watches."""

    def __init__(
        self,
        settings: IngestSettings,
        *,
        database: Database,
        documents: DocumentMaker,
        open_bucket: OpenBucket,
        clock: Clock,
    ) -> None:
        sync = settings.sync
        roots = Roots(settings.root_folders)
        self._threads = FolderThreads(sync.workers + _SCANS)
        destinations = Destinations(
            open_bucket, own=settings.object_store.bucket, default=sync.bucket
        )
        parts = SyncParts(
            destinations=destinations,
            documents=documents,
            sender=Sender(
                threads=self._threads,
                parts_in_flight=sync.parts_in_flight,
                compares_etags=sync.compare_etags,
            ),
            threads=self._threads,
            pool=asyncio.Semaphore(sync.workers),
            settings=sync,
        )
        self._orchestrator = Orchestrator(database, roots, parts)
        self._monitor = ChangeMonitor(
            database, roots, threads=self._threads, settle_s=sync.stable_s
        )
        self.jobs = FolderJobs(
            database=database,
            roots=roots,
            threads=self._threads,
            destinations=destinations,
            clock=clock,
            on_due=self._orchestrator.wake,
        )

    async def run(self) -> None:
        """Work on jobs until cancelled."""
        await self._orchestrator.run()

    async def watch(self) -> None:
        """Watch folders until cancelled."""
        await self._monitor.run()

    def close(self) -> None:
        self._threads.close()
