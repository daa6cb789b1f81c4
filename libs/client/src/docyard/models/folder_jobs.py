"""What Docyard says about folder jobs: folders of its own machine that it uploads."""

from datetime import datetime
from typing import Any

from pydantic import Field

from docyard.models.documents import Model


class FolderJob(Model):
    """A folder job; *progress* (0 to 1) never falls within a pass."""

    upload_id: str
    state: str  # PENDING, IN_PROGRESS, COMPLETED, FAILED
    progress: float = 0.0
    total_files: int = 0
    completed_files: int = 0
    failed_files: int = 0
    skipped_files: dict[str, int] = Field(default_factory=dict)  # symlink, special, hidden
    total_bytes: int = 0
    uploaded_bytes: int = 0
    passes: int = 0
    failure_reason: str | None = None
    waiting_for: str | None = None  # a server that does not answer
    next_scan_at: datetime | None = None  # of a watched folder
    source_folder: str = ""
    destination_bucket: str | None = None
    destination_prefix: str | None = None
    pattern: tuple[str, ...] | None = None
    watch: bool = False
    process: bool = False
    processing_options: dict[str, Any] = Field(default_factory=dict)
    created_at: datetime
    updated_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def has_ended(self) -> bool:
        """Whether its pass is over; a watched folder may begin another one."""
        return self.state in {"COMPLETED", "FAILED"}


class FolderFile(Model):
    """A file of a folder job; *path* is relative to the folder."""

    path: str
    state: str  # PENDING, IN_PROGRESS, UPLOADED, FAILED
    size_bytes: int = 0
    failure_reason: str | None = None
    etag: str | None = None
    sha256: str | None = None
    document_id: str | None = None
    attempts: int = 0
