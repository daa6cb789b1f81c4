"""Watches the folders of watched jobs, so that a change is seen before the next scan is due.

An accelerator only: where the system can not watch, or an event is lost, the scan finds it.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final
from uuid import UUID

from watchfiles import awatch

from docyard_common.database import Database
from docyard_common.errors import DependencyUnavailableError
from ingest.sync.folders import Roots
from ingest.sync.threads import FolderThreads
from ingest.tables import sync_jobs

logger = logging.getLogger(__name__)

_REFRESH_S: Final = 5.0


class ChangeMonitor:
    """Runs for as long as the service does."""

    def __init__(
        self, database: Database, roots: Roots, *, threads: FolderThreads, settle_s: float
    ) -> None:
        self._database = database
        self._roots = roots
        self._threads = threads
        self._settle_s = settle_s

    async def run(self) -> None:
        """Bring the scans of changed folders forward, until cancelled."""
        while True:
            try:
                await self._watch(await self._folders())
            except DependencyUnavailableError as error:
                logger.warning("sync.monitor_postponed", extra={"error": str(error)})
            except OSError as error:
                # Commonly too many folders for inotify.
                logger.warning("sync.monitor_failed", extra={"error": type(error).__name__})
            await asyncio.sleep(_REFRESH_S)

    async def _folders(self) -> dict[UUID, str]:
        if not self._roots.prefixes:
            return {}
        async with self._database.transaction() as tx:
            watched = await sync_jobs.watched(tx, self._roots.prefixes)
        there = await self._threads.run(_existing, set(watched.values()))
        return {job_id: folder for job_id, folder in watched.items() if folder in there}

    async def _watch(self, folders: Mapping[UUID, str]) -> None:
        """Follow changes until there are other folders to follow."""
        if not folders:
            return
        changes = awatch(
            *set(folders.values()),
            watch_filter=None,
            rust_timeout=int(_REFRESH_S * 1000),
            yield_on_timeout=True,
            ignore_permission_denied=True,
        )
        async for changed in changes:
            touched = _jobs_of(folders, (path for _, path in changed))
            if touched:
                async with self._database.transaction() as tx:
                    await sync_jobs.bring_forward(tx, touched, settle_s=self._settle_s)
            elif await self._folders() != folders:
                return


def _existing(folders: Iterable[str]) -> set[str]:
    return {folder for folder in folders if Path(folder).is_dir()}


def _jobs_of(folders: Mapping[UUID, str], paths: Iterable[str]) -> list[UUID]:
    changed = list(paths)
    return [
        job_id
        for job_id, folder in folders.items()
        if any((path + "/").startswith(folder.rstrip("/") + "/") for path in changed)
    ]
