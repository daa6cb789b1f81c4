"""One run of a job under its lease: scan, upload with a few workers, end."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from docyard_common.database import Transaction
from docyard_common.errors import DependencyUnavailableError
from docyard_common.observability import metrics
from docyard_common.storage import BucketRefusedError, ObjectStore
from ingest.folder_job import (
    Failed,
    FileFailure,
    FileOutcome,
    FileWork,
    FolderJob,
    JobFailure,
    JobState,
)
from ingest.sync.content import goes_in_parts
from ingest.sync.destinations import abort_uploads, has_any
from ingest.sync.folders import FolderLostError, OpenFolder
from ingest.sync.ledger import Ledger
from ingest.sync.parts import SyncParts
from ingest.sync.scanning import Scan
from ingest.sync.uploading import FileUploader
from ingest.tables import sync_files, sync_jobs

logger = logging.getLogger(__name__)

_Result = TypeVar("_Result")

_BATCH: Final = 200
_LOOK_S: Final = 1.0
_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 10.0
_REFUSALS: Final = 5
"""A store that answers, and refuses one file so often, will not take it."""


class JobRun:
    """Works on one job until its pass has ended, or the lease is another's."""

    def __init__(self, job: FolderJob, ledger: Ledger, parts: SyncParts) -> None:
        self._job = job
        self._ledger = ledger
        self._parts = parts
        self._busy = 0
        self._idle = asyncio.Event()

    async def run(self) -> JobState:
        """Do one pass; return how it ended. Raises SupersededError.

        A kill -9 anywhere costs the lease; the next run resets what was under way, and sends
        nothing again that the store has.
        """
        try:
            folder = await self._parts.threads.run(OpenFolder, self._job.order.source_folder)
        except FolderLostError as error:
            return await self._end(error.failure)
        try:
            await self._pass(folder)
            return await self._end(None)
        except FolderLostError as error:
            return await self._end(error.failure)
        except BucketRefusedError:
            return await self._end(JobFailure.DESTINATION_REFUSED)
        finally:
            folder.close()

    async def _pass(self, folder: OpenFolder) -> None:
        job, parts = self._job, self._parts
        interrupted = await self._ledger.change(lambda tx: sync_files.reset(tx, job.job_id))
        scan = Scan(
            job,
            folder,
            ledger=self._ledger,
            threads=parts.threads,
            stable_s=parts.settings.stable_s,
        )
        if not await scan.run():
            return
        bucket = await self._outlasting(parts.destinations.opened, job.order.bucket)
        uploader = FileUploader(job, folder, bucket, parts)
        if bucket is not None:
            await self._outlasting(self._prepare, uploader, bucket, interrupted)
        await self._work(uploader)

    async def _prepare(
        self, uploader: FileUploader, bucket: ObjectStore, interrupted: list[tuple[str, int]]
    ) -> None:
        """Free the parts of a run that has gone, and see whether anything lies there."""
        prefix = self._job.order.prefix
        for path, size_bytes in interrupted:
            if goes_in_parts(size_bytes):
                await abort_uploads(bucket, prefix + path)
        if not prefix.startswith(f"{self._job.job_id}/"):
            uploader.looks_first = await has_any(bucket, prefix)

    async def _work(self, uploader: FileUploader) -> None:
        """Hand files to workers until none is left. Raises as `_pass` does, not in a group."""
        try:
            await self._hand_out(uploader)
        except BaseExceptionGroup as group:
            ending = group.subgroup((FolderLostError, BucketRefusedError))
            if ending is None:
                raise
            raise _first(ending) from group

    async def _hand_out(self, uploader: FileUploader) -> None:
        queue: asyncio.Queue[FileWork] = asyncio.Queue(_BATCH)
        async with asyncio.TaskGroup() as group:
            workers = [
                group.create_task(self._worker(queue, uploader))
                for _ in range(self._parts.settings.workers)
            ]
            while await self._more(queue):
                pass
            for worker in workers:
                worker.cancel()

    async def _more(self, queue: asyncio.Queue[FileWork]) -> bool:
        """Take the next files, or wait for some to be due. False when all have ended."""
        job_id = self._job.job_id
        batch = await self._ledger.change(lambda tx: sync_files.claim(tx, job_id, limit=_BATCH))
        for work in batch:
            self._busy += 1
            self._idle.clear()
            await queue.put(work)
        if batch:
            return True
        wait_s = _LOOK_S
        if not self._busy:
            await self._ledger.flush_patiently()
            open_files, wait_s = await self._ledger.change(lambda tx: sync_files.left(tx, job_id))
            if not open_files:
                return False
        await self._pause(min(wait_s, _LOOK_S))
        return True

    async def _pause(self, wait_s: float) -> None:
        """Wait so long, or until the workers have nothing to do."""
        if not self._busy:
            await asyncio.sleep(wait_s)
            return
        try:
            async with asyncio.timeout(wait_s):
                await self._idle.wait()
        except TimeoutError:
            return

    async def _worker(self, queue: asyncio.Queue[FileWork], uploader: FileUploader) -> None:
        while True:
            work = await queue.get()
            outcome = await self._outcome(uploader, work)
            if self._ledger.is_held:
                await self._ledger.settle(outcome)
            else:
                # While nobody held the job, another run may have had it: what was put by this
                # one may lie over something newer.
                await self._ledger.patiently(lambda: self._ledger.doubt([work]))  # noqa: B023
            self._busy -= 1
            if not self._busy:
                self._idle.set()

    async def _outcome(self, uploader: FileUploader, work: FileWork) -> FileOutcome:
        """Upload a file, however long the store is away."""
        refusals = 0
        pause_s = _FIRST_PAUSE_S
        while True:
            await self._ledger.held()
            try:
                async with self._parts.pool:
                    return await uploader.upload(work)
            except DependencyUnavailableError as error:
                refusals += await self._answers(error)
                if refusals >= _REFUSALS:
                    return Failed(work, FileFailure.STORE_REFUSED)
                await self._wait(work, error, pause_s)
                pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)

    async def _outlasting(
        self, act: Callable[..., Awaitable[_Result]], *arguments: object
    ) -> _Result:
        """Do *act*, however long the store is away."""
        while True:
            try:
                return await act(*arguments)
            except DependencyUnavailableError as error:
                await self._wait(act, error, _FIRST_PAUSE_S)

    async def _answers(self, error: DependencyUnavailableError) -> bool:
        """Whether the store is there, so that it is this one call that it does not take."""
        if error.dependency != "object_store":
            return False
        try:
            await self._parts.destinations.check(self._job.order.bucket)
        except DependencyUnavailableError:
            return False
        return True

    async def _wait(self, who: object, error: DependencyUnavailableError, pause_s: float) -> None:
        logger.warning("sync.waiting", extra={"error": str(error)})
        self._ledger.waits(who, error.dependency)
        with metrics.SYNC_WAITING.labels(error.dependency).track_inprogress():
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - jitter only
        self._ledger.waits(who, None)

    async def _end(self, failure: JobFailure | None) -> JobState:
        """Give the job back, ended. The last look at the files and the end are one transaction."""
        settings = self._parts.settings
        job_id = self._job.job_id

        async def end(tx: Transaction) -> JobState:
            counted = await sync_jobs.count(tx, job_id)
            reason = failure or (JobFailure.FILES_FAILED if counted.failed_files else None)
            state = JobState.FAILED if reason else JobState.COMPLETED
            open_files, _ = await sync_files.left(tx, job_id)
            again_s = settings.scan_every_s if self._job.order.watch else None
            if open_files and failure is None:
                again_s = 0.0
                state, reason = JobState.IN_PROGRESS, None
            await sync_jobs.end(tx, job_id, state, reason=reason, again_s=again_s)
            return state

        return await self._ledger.change(end)


def _first(error: BaseException) -> BaseException:
    """Return an error out of a group of them."""
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error
