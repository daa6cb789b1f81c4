"""What the ways in answer, as clients read it."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from ingest.api.models import Answer, Links
from ingest.upload import UploadMode, UploadState


class UploadAccepted(Answer):
    """The bytes are durable and the work is queued."""

    document_id: UUID
    job_id: UUID  # the same as document_id
    status: Literal["accepted"] = "accepted"
    links: Links


class KnownDocument(Answer):
    """The caller has a document of this content: nothing needs to be sent."""

    document_id: UUID
    job_id: UUID  # the same as document_id
    duplicate: Literal[True] = True
    links: Links


class UploadOpened(Answer):
    """An upload that waits for its parts."""

    upload_id: UUID
    job_id: UUID  # of the document that it becomes
    chunk_size: int  # bytes of every part but the last
    total_parts: int
    expires_at: datetime  # put off by every part that comes


class PresignedPart(Answer):
    """Where one part is put; the request must carry exactly these headers."""

    part_number: int
    size_bytes: int
    url: str
    headers: dict[str, str]


class UploadPresigned(Answer):
    """A file of one piece: one PUT to *url*, with exactly *headers*."""

    upload_id: UUID
    document_id: UUID  # of the document that it becomes
    job_id: UUID  # the same as document_id
    url: str
    headers: dict[str, str]
    expires_at: datetime


class PartsPresigned(Answer):
    """A file of many parts: a PUT for each, in any order, and then `complete`."""

    upload_id: UUID
    document_id: UUID  # of the document that it becomes
    job_id: UUID  # the same as document_id
    chunk_size: int  # bytes of every part but the last
    parts: list[PresignedPart]
    expires_at: datetime


class UploadProgress(Answer):
    """All that a client needs to go on after an interruption."""

    upload_id: UUID
    job_id: UUID
    state: UploadState
    mode: UploadMode
    filename: str
    file_size: int | None
    chunk_size: int
    total_parts: int | None
    received_parts: list[int]
    missing_parts: list[int]
    received_bytes: int
    percent: float = Field(ge=0, le=100)
    created_at: datetime
    expires_at: datetime
    document_id: UUID | None  # once it has become one
    refusal: str | None  # the code, once it was refused


class PartReceived(Answer):
    """The part is durable; sending it again changes nothing."""

    upload_id: UUID
    part_number: int
    received_parts: int
    total_parts: int
    received_bytes: int
    percent: float = Field(ge=0, le=100)
    expires_at: datetime


class ActiveUpload(Answer):
    """An upload that has not ended."""

    upload_id: UUID
    job_id: UUID
    state: UploadState
    mode: UploadMode
    filename: str
    file_size: int | None
    received_bytes: int
    percent: float = Field(ge=0, le=100)
    created_at: datetime
    expires_at: datetime


class ActiveUploads(Answer):
    """Newest first."""

    items: list[ActiveUpload]
    next_cursor: str | None


class AllowedType(Answer):
    """A type that is taken, and the extensions that name it."""

    content_type: str
    extensions: list[str]
