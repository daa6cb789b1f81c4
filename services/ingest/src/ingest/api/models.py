"""What the routes answer, as clients read it."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from docyard_common.analysis import Classification, Enrichment, Relation
from docyard_common.artifacts import Word
from docyard_common.events.stages import STAGE_COUNT, DocumentState, Priority, Stage
from ingest.document import Document
from ingest.upload import UploadMode, UploadState


class Answer(BaseModel):
    """Frozen: an answer is built once."""

    model_config = ConfigDict(frozen=True)


class Links(Answer):
    """Where to go from here; relative to this service unless they name a host."""

    self: str
    status: str
    events: str
    children: str
    stream: str  # server-sent events, at the notifier
    websocket: str  # at the notifier


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


class DocumentError(Answer):
    """Why a document failed, or why its stage is tried again."""

    code: str
    message: str
    retryable: bool


class DocumentOut(Answer):
    """A document as its owner sees it."""

    document_id: UUID
    filename: str
    content_type: str
    size_bytes: int
    sha256: str
    state: DocumentState
    stage: Stage | None
    stage_index: int
    stage_count: int = STAGE_COUNT
    progress: float = Field(ge=0, le=100)
    pages_done: int | None
    pages_total: int | None
    message: str
    eta_s: float | None  # of the running stage; of one that waits, read alone: until completed
    attempt: int
    priority: Priority
    seq: int
    generation: int  # of the processing that is shown; a reprocessing adds one
    result_generation: int | None  # of the text, pages and chunks that are served
    pipeline_version: int  # of the code that made them; 0 while there are none
    document_type: str | None  # invoice, contract … as text and format say
    error: DocumentError | None
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None
    metadata: dict[str, Any]
    parent_id: UUID | None  # the document it was found in
    children_count: int  # documents that were found inside, directly
    links: Links

    @classmethod
    def of(cls, document: Document, links: Links) -> "DocumentOut":
        view = document.view
        error = view.error
        return cls(
            document_id=view.document_id,
            filename=document.filename,
            content_type=document.content_type,
            size_bytes=document.size_bytes,
            sha256=document.sha256,
            state=view.state,
            stage=view.stage,
            stage_index=view.stage_index,
            progress=view.progress,
            pages_done=view.pages_done,
            pages_total=view.pages_total,
            message=view.message,
            eta_s=view.eta_s,
            attempt=view.attempt,
            priority=document.priority,
            seq=view.seq,
            generation=document.generation,
            result_generation=view.result_generation,
            pipeline_version=view.pipeline_version,
            document_type=view.document_type,
            error=error
            and DocumentError(code=error.code, message=error.message, retryable=error.retryable),
            created_at=document.created_at,
            updated_at=view.updated_at,
            completed_at=view.completed_at,
            metadata=document.metadata,
            parent_id=document.lineage.parent_id if document.lineage else None,
            children_count=document.children_count,
            links=links,
        )


class DocumentList(Answer):
    """Newest first."""

    items: list[DocumentOut]
    next_cursor: str | None


class PageOut(Answer):
    """One finished page."""

    number: int
    text: str
    width: float | None
    height: float | None
    rotation: int
    heading: str | None
    rows: list[list[str]] | None
    words: list[Word] | None


class PageList(Answer):
    """Pages in their order; while extract runs, the last cursor waits for what comes next."""

    items: list[PageOut]
    next_cursor: str | None


class EventOut(Answer):
    """One fact about a document."""

    seq: int
    type: str
    at: datetime
    data: dict[str, Any]


class EventList(Answer):
    """Facts, oldest first."""

    items: list[EventOut]
    next_cursor: str | None


class KeywordOut(Answer):
    """What a document is about; a higher score says more."""

    text: str
    score: float


class MetadataOut(Answer):
    """What was given, what was read and what was found; null where a stage has not ended."""

    document_id: UUID
    filename: str
    content_type: str
    size_bytes: int
    sha256: str
    metadata: dict[str, Any]  # as it was uploaded
    media_type: str | None = None
    page_count: int | None = None
    characters: int | None = None
    extractor: str | None = None
    extracted: dict[str, Any] | None = None  # title, author, EXIF, columns …
    failed_pages: list[int] | None = None
    language: str | None = None
    keywords: list[KeywordOut] | None = None
    summary: str | None = None
    classification: Classification | None = None
    enrichment: Enrichment | None = None  # what a language model had to do with it


class RelationList(Answer):
    """Pairs that the text names together, the strongest first."""

    items: list[Relation]
    next_cursor: str | None


class ChunkOut(Answer):
    """A passage that searches answer with."""

    ordinal: int  # from 0, in reading order
    text: str
    page_first: int
    page_last: int
    start: int | None  # characters of page_first before it; null where an older pipeline made it
    end: int | None  # characters of page_last up to its end
    heading: str | None


class ChunkList(Answer):
    """Passages in reading order."""

    items: list[ChunkOut]
    next_cursor: str | None


class DocumentStats(Answer):
    """What the caller has here."""

    total: int
    size_bytes: int
    by_state: dict[str, int]
    by_content_type: dict[str, int]


class UploadStatus(Answer):
    """The short status."""

    status: DocumentState
    progress: float = Field(ge=0, le=100)
    stage: Stage | None
    estimated_completion: datetime | None  # of the running stage


class Highlight(Answer):
    """A part of a snippet, as offsets in characters."""

    start: int
    end: int


class SearchHit(Answer):
    """A passage that answers the query."""

    document_id: UUID
    filename: str
    page_first: int
    page_last: int
    score: float
    snippet: str
    highlights: list[Highlight]


class SearchResults(Answer):
    """The best passages first."""

    query: str
    mode: Literal["hybrid", "text", "semantic"]
    items: list[SearchHit]


class AllowedType(Answer):
    """A type that is taken, and the extensions that name it."""

    content_type: str
    extensions: list[str]
