"""An upload in several requests: what was announced, how far it is, and how it ended."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from docyard_common.events.stages import Priority


class UploadMode(StrEnum):
    """The door an upload comes in by; also its metrics label."""

    CHUNKED = "chunked"
    PRESIGNED = "presigned"
    TUS = "tus"
    TUS_PARTIAL = "tus-partial"  # never a document by itself: others are made of such ones


class UploadState(StrEnum):
    """Where an upload stands. Only OPEN and COMPLETING go on; the others are final."""

    OPEN = "open"
    COMPLETING = "completing"
    COMPLETED = "completed"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    JOINED = "joined"  # its bytes live on in the upload that was made of it

    @property
    def is_final(self) -> bool:
        return self not in {UploadState.OPEN, UploadState.COMPLETING}


@dataclass(frozen=True)
class Announcement:
    """What a client says of a file before it sends it."""

    owner: str
    mode: UploadMode
    filename: str
    declared_type: str | None
    size_bytes: int | None  # None: told later (tus: Upload-Defer-Length)
    sha256: str | None  # hex; stated, it asks for deduplication
    priority: Priority
    options: dict[str, Any]
    metadata: dict[str, Any]


@dataclass(frozen=True)
class Upload:
    """One row of `uploads`."""

    upload_id: UUID
    document_id: UUID  # of the document that it becomes, unless the content is known by then
    announced: Announcement
    state: UploadState
    part_bytes: int  # of every part but the last
    object_key: str
    multipart_id: str | None  # the store's name of the multipart upload
    tail_key: str | None  # where the bytes behind the last whole part wait
    tail_bytes: int
    created_at: datetime
    expires_at: datetime
    result_id: UUID | None  # the document that stands for it, once COMPLETED
    refusal: str | None  # code, once REFUSED

    @property
    def total_parts(self) -> int | None:
        """How many parts the announced size makes; None while it is unknown."""
        size = self.announced.size_bytes
        return None if size is None else -(-size // self.part_bytes)

    @property
    def is_duplicate(self) -> bool:
        """Whether another upload's document stands for this one."""
        return self.result_id is not None and self.result_id != self.document_id

    def bytes_of_part(self, number: int) -> int:
        """Size that part *number* must have. The size of the file must be known."""
        size = self.announced.size_bytes or 0
        return min(self.part_bytes, size - (number - 1) * self.part_bytes)


@dataclass(frozen=True)
class Part:
    """A part that lies in the store."""

    number: int
    size_bytes: int
    sha256: str  # hex; empty where nobody needs to compare it with a repeat
    etag: str
