"""Brings the rows of a job up to what lies in its folder."""

import itertools
import time
from collections.abc import Iterator, Sequence
from typing import Final

from docyard_common.database import Transaction
from ingest.folder_job import FolderJob, FoundFile, RefusedEntry
from ingest.sync.folders import OpenFolder
from ingest.sync.ledger import Ledger
from ingest.sync.patterns import Patterns
from ingest.sync.threads import FolderThreads
from ingest.sync.walking import Walk
from ingest.tables import sync_files, sync_jobs

_BATCH: Final = 1000
_NS: Final = 1e9


class Scan:
    """One scan. What it has seen is written as it goes: a kill -9 costs the rest of the walk."""

    def __init__(
        self,
        job: FolderJob,
        folder: OpenFolder,
        *,
        ledger: Ledger,
        threads: FolderThreads,
        stable_s: float,
    ) -> None:
        self._job = job
        self._folder = folder
        self._ledger = ledger
        self._threads = threads
        self._stable_s = stable_s
        self._refused: list[str] = []

    async def run(self) -> int:
        """Look at everything; return how many files are to be worked on.

        Raises FolderLostError or SupersededError.
        """
        order = self._job.order
        walk = Walk(self._folder, Patterns(order.patterns), prefix=order.prefix)
        entries = walk.entries()
        while batch := await self._threads.run(_some, entries):
            await self._see(batch)
        gone = await self._gone()
        return await self._ledger.change(lambda tx: self._end(tx, dict(walk.skipped), gone))

    async def _see(self, batch: Sequence[FoundFile | RefusedEntry]) -> None:
        files = [entry for entry in batch if isinstance(entry, FoundFile)]
        refused = [entry for entry in batch if isinstance(entry, RefusedEntry)]
        self._refused += [entry.path for entry in refused]
        now = time.time()
        waits = [wait_s(file.signature.mtime_ns / _NS, now, self._stable_s) for file in files]

        async def write(tx: Transaction) -> None:
            await sync_files.see(tx, self._job.job_id, files, waits_s=waits)
            if refused:
                await sync_files.refuse(tx, self._job.job_id, refused)

        await self._ledger.change(write)

    async def _gone(self) -> list[str]:
        """Return failed files of earlier passes that are not there any more."""
        if self._job.passes <= 1:
            return []
        failed = await self._ledger.change(lambda tx: sync_files.failed(tx, self._job.job_id))
        return await self._threads.run(_missing, self._folder, failed)

    async def _end(self, tx: Transaction, skipped: dict[str, int], gone: Sequence[str]) -> int:
        job_id = self._job.job_id
        await sync_files.forget_refused(tx, job_id, but=self._refused)
        await sync_files.forget(tx, job_id, gone)
        await sync_jobs.skip(tx, job_id, {name: n for name, n in skipped.items() if n})
        open_files, _ = await sync_files.left(tx, job_id)
        if open_files:
            await sync_jobs.begin_pass(tx, job_id)
        await sync_jobs.count(tx, job_id)
        return open_files


def wait_s(modified_at: float, now: float, stable_s: float) -> float:
    """Return for how long a file must be left alone that was written to at *modified_at*.

    A time in the future tells nothing: such a file must be seen unchanged once more.
    """
    age_s = now - modified_at
    return stable_s if age_s < 0 else max(0.0, stable_s - age_s)


def _some(entries: Iterator[FoundFile | RefusedEntry]) -> list[FoundFile | RefusedEntry]:
    return list(itertools.islice(entries, _BATCH))


def _missing(folder: OpenFolder, paths: Sequence[str]) -> list[str]:
    return [path for path in paths if not folder.is_there(path.split("/"))]
