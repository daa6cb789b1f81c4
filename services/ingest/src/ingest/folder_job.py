"""A folder job as ingest holds it: what was asked for, how far it is, and its files."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias
from uuid import UUID

from docyard_common.events.stages import Priority


class JobState(StrEnum):
    """FAILED says that something is not in the bucket: the reason or the files tell what."""

    PENDING = "PENDING"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


class FileState(StrEnum):
    """UPLOADED and FAILED last until the file changes."""

    PENDING = "PENDING"
    IN_PROGRESS = "IN_PROGRESS"
    UPLOADED = "UPLOADED"
    FAILED = "FAILED"


class JobFailure(StrEnum):
    """Why a job as a whole could not be done."""

    FILES_FAILED = "FILES_FAILED"
    FOLDER_MISSING = "FOLDER_MISSING"
    FOLDER_UNREADABLE = "FOLDER_UNREADABLE"
    DESTINATION_REFUSED = "DESTINATION_REFUSED"


class FileFailure(StrEnum):
    """Why a file could not be uploaded; files that are no documents add the codes of uploads."""

    NAME_INVALID = "NAME_INVALID"
    NAME_NOT_UTF8 = "NAME_NOT_UTF8"
    PATH_TOO_LONG = "PATH_TOO_LONG"
    FOLDER_UNREADABLE = "FOLDER_UNREADABLE"
    FILE_VANISHED = "FILE_VANISHED"
    FILE_UNREADABLE = "FILE_UNREADABLE"
    FILE_CHANGING = "FILE_CHANGING"
    FILE_TOO_LARGE = "FILE_TOO_LARGE"
    NOT_A_FILE = "NOT_A_FILE"
    VERIFICATION_FAILED = "VERIFICATION_FAILED"
    STORE_REFUSED = "STORE_REFUSED"
    INTERNAL_ERROR = "INTERNAL_ERROR"


@dataclass(frozen=True, slots=True)
class Signature:
    """By what a change of a file is noticed; times are nanoseconds since 1970."""

    size_bytes: int
    mtime_ns: int
    ctime_ns: int

    def same_content_as(self, other: "Signature") -> bool:
        """Whether nothing tells of other content; a changed mode alone does not."""
        return (self.size_bytes, self.mtime_ns) == (other.size_bytes, other.mtime_ns)


@dataclass(frozen=True)
class JobOrder:
    """What a folder job is to do."""

    source_folder: str  # canonical and absolute
    bucket: str | None  # None: the files only become documents
    prefix: str  # of every key, empty or with a slash at its end
    patterns: tuple[str, ...]
    watch: bool
    process: bool
    priority: Priority  # of the documents
    owner: str  # of the documents
    options: dict[str, Any] = field(default_factory=dict)  # `processing_options` of the documents


@dataclass(frozen=True)
class FolderJob:
    """One row: the order and how far it is."""

    job_id: UUID
    upload_id: str
    created_by: str
    fingerprint: str  # hex SHA-256 over what was asked for
    order: JobOrder
    state: JobState
    failure_reason: str | None
    passes: int
    total_files: int
    completed_files: int
    failed_files: int
    skipped_files: dict[str, int]
    total_bytes: int
    uploaded_bytes: int
    waiting_for: str | None
    next_scan_at: datetime | None
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None

    @property
    def progress(self) -> float:
        """From 0 to 1: the part of the known files that needs nothing more."""
        if self.total_files == 0:
            return 1.0 if self.state is JobState.COMPLETED else 0.0
        return (self.completed_files + self.failed_files) / self.total_files

    @property
    def has_ended(self) -> bool:
        return self.state in {JobState.COMPLETED, JobState.FAILED}


@dataclass(frozen=True)
class JobLease:
    """A job that a replica holds: valid while its fence is the row's."""

    job: FolderJob
    fence: int


@dataclass(frozen=True, slots=True)
class FolderFile:
    """A file of a job as clients read it."""

    path: str
    state: FileState
    size_bytes: int
    failure_reason: str | None
    etag: str | None
    sha256: str | None
    document_id: UUID | None
    attempts: int
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class FileWork:
    """A file whose turn it is."""

    path: str
    signature: Signature
    attempts: int
    maybe_stored: bool  # an earlier run may have put it: the store is asked first


@dataclass(frozen=True, slots=True)
class Uploaded:
    """The file is where it belongs, and was verified there."""

    work: FileWork
    etag: str | None = None  # in the bucket
    sha256: str | None = None
    document_id: UUID | None = None
    sent: bool = True  # False: it was there already


@dataclass(frozen=True, slots=True)
class Failed:
    """The file stays out until it changes."""

    work: FileWork
    reason: str


@dataclass(frozen=True, slots=True)
class Postponed:
    """The file is being written, or a call failed: look again after *delay_s*."""

    work: FileWork
    signature: Signature
    delay_s: float


FileOutcome: TypeAlias = Uploaded | Failed | Postponed


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file that a scan has seen and the patterns want."""

    path: str
    signature: Signature


@dataclass(frozen=True, slots=True)
class RefusedEntry:
    """A file or folder that can not be taken, with the name as far as it can be shown."""

    path: str
    reason: FileFailure
    is_folder: bool = False
