"""Folder jobs as clients write and read them."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from docyard_common.events.stages import Priority
from ingest.api.links import API
from ingest.api.models import Answer
from ingest.api.options import Options
from ingest.folder_job import FileState, FolderFile, FolderJob, JobState
from ingest.sync.jobs import WantedJob
from ingest.uploads.fields import require_known

UPLOADS = f"{API}/uploads"

_PLAIN = r"^[^\x00-\x1f\x7f]+$"


def _listed(value: Any) -> Any:
    """Take one pattern for a list of one."""
    return [value] if isinstance(value, str) else value


Pattern = Annotated[str, Field(min_length=1, max_length=200, pattern=_PLAIN)]
Patterns = Annotated[list[Pattern], Field(max_length=20), BeforeValidator(_listed)]
UploadId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$")]


class FolderJobIn(BaseModel):
    """What a folder job is to do."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    upload_id: UploadId | None = Field(
        default=None, description="Your name for the job; without one it gets an id."
    )
    source_folder: str = Field(
        min_length=1,
        max_length=4096,
        pattern=r"^[^\x00]+$",
        description="Absolute, on the machine of Docyard, below one of its roots.",
        examples=["/home/ann/papers"],
    )
    destination_bucket: str | None = Field(
        default=None,
        max_length=63,
        description="Created if it is missing. Without one, files go to Docyard's bucket for jobs"
        " below `<job id>/`, or only become documents where `process` is set.",
    )
    destination_prefix: str | None = Field(
        default=None, max_length=512, description="Of every key in `destination_bucket`."
    )
    pattern: Patterns | None = Field(
        default=None,
        description="Globs: `*.pdf` means names at any depth, `a/**/*.txt` paths, `**` any"
        " number of folders. Names that begin with a dot must be asked for.",
        examples=["*.pdf"],
    )
    watch: bool = Field(default=False, description="Go on with what is new or changed later.")
    process: bool = Field(default=False, description="Make every file a document.")
    priority: Priority = Field(default=Priority.LOW, description="Of the documents.")
    processing_options: Options = Field(
        default_factory=dict, description="Of the documents, where `process` is set."
    )
    owner: Annotated[str, Field(min_length=1, max_length=255, pattern=_PLAIN)] | None = Field(
        default=None, description="Whose the documents are; without one, the caller's."
    )

    def wanted(self, *, created_by: str, idempotency_key: str | None) -> WantedJob:
        """Return the request of that caller. Raises FieldInvalidError."""
        return WantedJob(
            created_by=created_by,
            source_folder=self.source_folder,
            upload_id=self.upload_id,
            destination_bucket=self.destination_bucket,
            destination_prefix=self.destination_prefix,
            patterns=tuple(self.pattern or ()),
            watch=self.watch,
            process=self.process,
            priority=self.priority,
            options=require_known(self.processing_options),
            owner=self.owner,
            idempotency_key=idempotency_key,
        )


class FolderJobLinks(Answer):
    """Where to go from here."""

    self: str
    files: str


class FolderJobOut(Answer):
    """A folder job; `progress` never falls within a pass."""

    upload_id: str
    state: JobState
    progress: float = Field(ge=0, le=1)
    total_files: int
    completed_files: int
    failed_files: int
    skipped_files: dict[str, int]  # symlink, special, hidden: passed by, not failed
    total_bytes: int
    uploaded_bytes: int
    passes: int  # scans that have found work
    failure_reason: str | None
    waiting_for: str | None  # a server that does not answer
    next_scan_at: datetime | None
    source_folder: str
    destination_bucket: str | None
    destination_prefix: str | None
    pattern: list[str] | None
    watch: bool
    process: bool
    priority: Priority
    processing_options: Options
    owner: str
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None
    links: FolderJobLinks

    @classmethod
    def of(cls, job: FolderJob) -> "FolderJobOut":
        order = job.order
        address = f"{UPLOADS}/{job.upload_id}"
        return cls(
            upload_id=job.upload_id,
            state=job.state,
            progress=job.progress,
            total_files=job.total_files,
            completed_files=job.completed_files,
            failed_files=job.failed_files,
            skipped_files=job.skipped_files,
            total_bytes=job.total_bytes,
            uploaded_bytes=job.uploaded_bytes,
            passes=job.passes,
            failure_reason=job.failure_reason,
            waiting_for=job.waiting_for,
            next_scan_at=job.next_scan_at,
            source_folder=order.source_folder,
            destination_bucket=order.bucket,
            destination_prefix=order.prefix or None,
            pattern=list(order.patterns) or None,
            watch=order.watch,
            process=order.process,
            priority=order.priority,
            processing_options=order.options,
            owner=order.owner,
            created_at=job.created_at,
            updated_at=job.updated_at,
            finished_at=job.finished_at,
            links=FolderJobLinks(self=address, files=f"{address}/files"),
        )


class FolderJobList(Answer):
    """Newest first."""

    items: list[FolderJobOut]
    next_cursor: str | None


class FolderFileOut(Answer):
    """A file of a folder job; `path` is relative to the folder."""

    path: str
    state: FileState
    size_bytes: int
    failure_reason: str | None
    etag: str | None
    sha256: str | None
    document_id: UUID | None
    attempts: int
    updated_at: datetime

    @classmethod
    def of(cls, file: FolderFile) -> "FolderFileOut":
        return cls(
            path=file.path,
            state=file.state,
            size_bytes=file.size_bytes,
            failure_reason=file.failure_reason,
            etag=file.etag,
            sha256=file.sha256,
            document_id=file.document_id,
            attempts=file.attempts,
            updated_at=file.updated_at,
        )


class FolderFileList(Answer):
    """By path."""

    items: list[FolderFileOut]
    next_cursor: str | None
