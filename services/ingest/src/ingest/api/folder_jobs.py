"""Folder jobs by HTTP, for operators."""

from typing import Annotated, Final, TypeAlias

from fastapi import APIRouter, Depends, Path, Query, Response

from docyard_common.auth import Principal
from docyard_common.http import require_role
from ingest.api import cursors
from ingest.api.callers import Cursor, IdempotencyKey, checked_key
from ingest.api.folder_models import (
    UPLOADS,
    FolderFileList,
    FolderFileOut,
    FolderJobIn,
    FolderJobList,
    FolderJobOut,
)
from ingest.api.problems import refusals
from ingest.folder_job import FileState, JobState
from ingest.sync.jobs import FolderJobs

Operator: TypeAlias = Annotated[Principal, Depends(require_role("operator"))]
UploadId: TypeAlias = Annotated[
    str, Path(max_length=128, pattern=r"^[^\x00]+$", description="As the request named it, or we.")
]
Limit: TypeAlias = Annotated[int, Query(ge=1, le=1000)]
JobStates: TypeAlias = Annotated[list[JobState], Query(default_factory=list)]
FileStates: TypeAlias = Annotated[list[FileState], Query(default_factory=list)]

_CREATED: Final = refusals(
    "FOLDER_NOT_ALLOWED",
    "ROLE_REQUIRED",
    "FOLDER_JOB_NOT_FOUND",
    "UPLOAD_ID_TAKEN",
    "FOLDER_MISSING",
    "FOLDER_UNREADABLE",
    "DESTINATION_INVALID",
    "FIELD_INVALID",
    "IDEMPOTENCY_KEY_INVALID",
    "IDEMPOTENCY_KEY_REUSED",
)
_LISTED: Final = refusals("ROLE_REQUIRED", "CURSOR_INVALID")
_MISSING: Final = refusals("ROLE_REQUIRED", "FOLDER_JOB_NOT_FOUND")
_FILES: Final = refusals("ROLE_REQUIRED", "FOLDER_JOB_NOT_FOUND", "CURSOR_INVALID")


class FolderJobRoutes:
    """Routes about jobs: the work itself is done beside the requests."""

    def __init__(self, jobs: FolderJobs) -> None:
        self._jobs = jobs

    def router(self) -> APIRouter:
        router = APIRouter(prefix=UPLOADS, tags=["folder jobs"])
        add, one = router.add_api_route, "/{upload_id}"
        add(
            "/",
            self.start,
            methods=["POST"],
            status_code=202,
            summary="Upload a folder of Docyard's machine",
            responses=_CREATED,
        )
        add("/", self.listed, summary="List folder jobs", responses=_LISTED)
        add(one, self.one, summary="Read one folder job", responses=_MISSING)
        add(f"{one}/files", self.files, summary="List a folder job's files", responses=_FILES)
        add(
            one,
            self.delete,
            methods=["DELETE"],
            status_code=204,
            summary="Stop and forget a folder job",
            responses=_MISSING,
        )
        return router

    async def start(
        self,
        caller: Operator,
        body: FolderJobIn,
        response: Response,
        idempotency_key: IdempotencyKey = None,
    ) -> FolderJobOut:
        """Start a job: its files are copied to a bucket, and become documents if asked.

        The same `upload_id` and body again answers the same job, and starts another pass over the
        folder when it has ended: what is there already is not sent again.
        """
        wanted = body.wanted(
            created_by=caller.subject, idempotency_key=checked_key(idempotency_key)
        )
        started = await self._jobs.start(wanted)
        job = FolderJobOut.of(started.job)
        response.headers["Location"] = job.links.self
        if started.repeated:
            response.headers["Idempotency-Replayed"] = "true"
        return job

    async def listed(
        self, caller: Operator, state: JobStates, cursor: Cursor = None, limit: Limit = 50
    ) -> FolderJobList:
        """Answer the caller's jobs, newest first."""
        before = None if cursor is None else cursors.read_id(cursor)
        found = await self._jobs.page(
            created_by=caller.subject, states=state, before=before, limit=limit + 1
        )
        shown = found[:limit]
        more = len(found) > limit
        return FolderJobList(
            items=[FolderJobOut.of(job) for job in shown],
            next_cursor=cursors.write(str(shown[-1].job_id)) if more else None,
        )

    async def one(self, caller: Operator, upload_id: UploadId) -> FolderJobOut:
        """Answer how far a job is."""
        return FolderJobOut.of(await self._jobs.find(upload_id, created_by=caller.subject))

    async def files(
        self,
        caller: Operator,
        upload_id: UploadId,
        state: FileStates,
        cursor: Cursor = None,
        limit: Limit = 100,
    ) -> FolderFileList:
        """Answer the files that scans have found so far, by path, with why any has failed."""
        found = await self._jobs.files(
            upload_id,
            created_by=caller.subject,
            states=state,
            after=None if cursor is None else cursors.read_text(cursor),
            limit=limit + 1,
        )
        shown = found[:limit]
        more = len(found) > limit
        return FolderFileList(
            items=[FolderFileOut.of(file) for file in shown],
            next_cursor=cursors.write(shown[-1].path) if more else None,
        )

    async def delete(self, caller: Operator, upload_id: UploadId) -> None:
        """Stop all work within about a second and forget the job.

        What was uploaded stays in its bucket, and documents stay documents. Deleting it again
        answers 204 for a day.
        """
        await self._jobs.delete(upload_id, created_by=caller.subject)
