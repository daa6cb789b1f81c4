"""What an operator may ask for: start a folder job, look at it, delete it."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from pydantic_core import to_json

from docyard_common.clock import Clock
from docyard_common.database import Database, Transaction
from docyard_common.events.stages import Priority
from docyard_common.ids import uuid7
from docyard_common.storage import BucketRefusedError
from ingest.document import IdempotencyClaim
from ingest.errors import (
    DestinationInvalidError,
    FolderJobNotFoundError,
    FolderMissingError,
    FolderNotAllowedError,
    FolderUnreadableError,
    UploadIdTakenError,
)
from ingest.folder_job import FolderFile, FolderJob, JobFailure, JobOrder
from ingest.sync.destinations import Destinations
from ingest.sync.folders import FolderLostError, OpenFolder, Roots
from ingest.sync.threads import FolderThreads
from ingest.tables import idempotency, sync_files, sync_jobs

ROUTE: Final = "uploads"


@dataclass(frozen=True)
class WantedJob:
    """What a request asks for; None is what the caller leaves to us."""

    created_by: str
    source_folder: str
    upload_id: str | None = None
    destination_bucket: str | None = None
    destination_prefix: str | None = None
    patterns: tuple[str, ...] = ()
    watch: bool = False
    process: bool = False
    priority: Priority = Priority.LOW
    owner: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    idempotency_key: str | None = None

    @property
    def fingerprint(self) -> str:
        """Hex SHA-256 over all that a repeat must have in common."""
        said = [
            self.source_folder,
            self.upload_id,
            self.destination_bucket,
            self.destination_prefix,
            self.patterns,
            self.watch,
            self.process,
            self.priority,
            self.owner,
            *([self.options] if self.options else []),
        ]
        return hashlib.sha256(to_json(said)).hexdigest()


@dataclass(frozen=True)
class StartedJob:
    """A job that is due, and whether an earlier request has made it."""

    job: FolderJob
    repeated: bool = False


class FolderJobs:
    """Starts jobs and tells of them; somebody else's job is not found."""

    def __init__(
        self,
        *,
        database: Database,
        roots: Roots,
        threads: FolderThreads,
        destinations: Destinations,
        clock: Clock,
        on_due: Callable[[], None],
    ) -> None:
        self._database = database
        self._clock = clock
        self._roots = roots
        self._threads = threads
        self._destinations = destinations
        self._on_due = on_due

    async def start(self, wanted: WantedJob) -> StartedJob:
        """Make the job due, and its bucket where that is missing.

        The same request again answers the same job; by its `upload_id` a job that has ended starts
        another pass. Raises FolderNotAllowedError, FolderMissingError, FolderUnreadableError,
        DestinationInvalidError, UploadIdTakenError, IdempotencyKeyReusedError or
        DependencyUnavailableError; then there is no job.
        """
        folder = await self._threads.run(self._checked, wanted.source_folder)
        job_id = uuid7()
        order = self._order(wanted, folder, job_id)
        if order.bucket is not None:
            await self._open(order.bucket)
        async with self._database.transaction() as tx:
            started = await self._commit(tx, wanted, order, job_id)
        self._on_due()
        return started

    async def find(self, upload_id: str, *, created_by: str) -> FolderJob:
        """Return the job. Raises FolderJobNotFoundError."""
        async with self._database.transaction() as tx:
            return await _found(tx, upload_id, created_by)

    async def page(
        self, *, created_by: str, states: Sequence[str], before: UUID | None, limit: int
    ) -> list[FolderJob]:
        """Return up to *limit* jobs, newest first, older than *before*."""
        async with self._database.transaction() as tx:
            return await sync_jobs.page(
                tx, created_by=created_by, states=states, before=before, limit=limit
            )

    async def files(
        self,
        upload_id: str,
        *,
        created_by: str,
        states: Sequence[str],
        after: str | None,
        limit: int,
    ) -> list[FolderFile]:
        """Return up to *limit* files by path, behind *after*. Raises FolderJobNotFoundError."""
        async with self._database.transaction() as tx:
            job = await _found(tx, upload_id, created_by)
            return await sync_files.page(tx, job.job_id, states=states, after=after, limit=limit)

    async def delete(self, upload_id: str, *, created_by: str) -> None:
        """End all work and forget the job; what was uploaded stays, and so do documents.

        Whoever works on it stops within about a second. Idempotent for a day. Raises
        FolderJobNotFoundError.
        """
        async with self._database.transaction() as tx:
            if not await sync_jobs.delete(tx, upload_id, created_by=created_by):
                raise FolderJobNotFoundError(_NOT_FOUND)

    def _checked(self, folder: str) -> str:
        """Return the canonical folder, once it was opened: it blocks."""
        canonical = self._roots.canonical(folder)
        if canonical is None:
            raise FolderNotAllowedError(
                "Only folders below those that SYNC__ROOTS names may be read.",
                field="source_folder",
            )
        try:
            OpenFolder(canonical).close()
        except FolderLostError as error:
            if error.failure is JobFailure.FOLDER_UNREADABLE:
                raise FolderUnreadableError(
                    "Docyard may not read the folder.", field="source_folder"
                ) from error
            raise FolderMissingError(
                "There is no such folder on the machine of Docyard.", field="source_folder"
            ) from error
        return canonical

    def _order(self, wanted: WantedJob, folder: str, job_id: UUID) -> JobOrder:
        bucket, prefix = wanted.destination_bucket, wanted.destination_prefix or ""
        self._destinations.require_allowed(bucket, prefix)
        if bucket is None and not wanted.process:
            # Many jobs share this bucket: each has a place of its own.
            bucket, prefix = self._destinations.default, f"{job_id}/"
        return JobOrder(
            source_folder=folder,
            bucket=bucket,
            prefix=prefix if not prefix or prefix.endswith("/") else prefix + "/",
            patterns=wanted.patterns,
            watch=wanted.watch,
            process=wanted.process,
            priority=wanted.priority,
            options=wanted.options,
            owner=wanted.owner or wanted.created_by,
        )

    async def _open(self, bucket: str) -> None:
        try:
            await self._destinations.opened(bucket)
        except BucketRefusedError as error:
            raise DestinationInvalidError(
                "The object store does not let Docyard use that bucket; choose another one.",
                field="destination_bucket",
            ) from error

    async def _commit(
        self, tx: Transaction, wanted: WantedJob, order: JobOrder, job_id: UUID
    ) -> StartedJob:
        upload_id = wanted.upload_id or str(job_id)
        if wanted.idempotency_key is not None:
            earlier = await idempotency.claim(
                tx,
                IdempotencyClaim(
                    wanted.created_by, ROUTE, wanted.idempotency_key, wanted.fingerprint
                ),
                document_id=job_id,
                at=self._clock.now(),
            )
            if earlier is not None:
                return await self._replayed(tx, wanted, earlier)
        job = await sync_jobs.insert(
            tx,
            order,
            job_id=job_id,
            upload_id=upload_id,
            created_by=wanted.created_by,
            fingerprint=wanted.fingerprint,
        )
        if job is not None:
            return StartedJob(job)
        return await self._again(tx, wanted, upload_id)

    async def _replayed(
        self, tx: Transaction, wanted: WantedJob, earlier: idempotency.Earlier
    ) -> StartedJob:
        earlier.require(wanted.fingerprint)
        job = await sync_jobs.find_by_id(tx, earlier.document_id)
        if job is None and wanted.upload_id is not None:
            # The first request under this key met a job that was there by its upload_id.
            job = await _found(tx, wanted.upload_id, wanted.created_by)
        if job is None:
            raise FolderJobNotFoundError(_NOT_FOUND)
        return StartedJob(job, repeated=True)

    async def _again(self, tx: Transaction, wanted: WantedJob, upload_id: str) -> StartedJob:
        """Answer the job that has this id; one that has ended starts another pass."""
        job = await _found(tx, upload_id, wanted.created_by)
        if job.fingerprint != wanted.fingerprint:
            raise UploadIdTakenError(
                "Another job of yours has this upload_id; choose another one, or delete that job.",
                field="upload_id",
            )
        restarted = await sync_jobs.restart(tx, job.job_id)
        if restarted is not None:
            await sync_files.retry_failed(tx, job.job_id)
        return StartedJob(restarted or job, repeated=True)


_NOT_FOUND: Final = "There is no such folder job."


async def _found(tx: Transaction, upload_id: str, created_by: str) -> FolderJob:
    job = await sync_jobs.find(tx, upload_id, created_by=created_by)
    if job is None:
        raise FolderJobNotFoundError(_NOT_FOUND)
    return job
