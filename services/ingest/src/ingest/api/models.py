"""What the routes answer about documents, as clients read it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from docyard_common.events.stages import STAGE_COUNT, DocumentState, Priority, Stage
from ingest.document import Document


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
            result_generation=document.kept_result,
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
