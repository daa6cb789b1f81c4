"""Facts about documents: topic `documents.events`, and the ticks of `documents.progress`."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from docyard_common.errors import FailureReason
from docyard_common.events.envelope import DocumentEvent
from docyard_common.events.stages import Priority, Stage
from docyard_common.plain import Plain


class RefusedChild(BaseModel):
    """A file inside a container that was found to be fit, and may not be kept."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    position: int = Field(ge=1)
    path: Plain
    code: str  # the one that an upload would be answered with


class DocumentAccepted(DocumentEvent):
    """The bytes are stored and the row is committed; nothing has read them yet."""

    type: ClassVar[str] = "docyard.document.accepted.v1"

    filename: str
    content_type: str  # by content, as intake saw it
    size_bytes: int = Field(ge=1)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")  # of the stored bytes
    object_key: str  # key inside the bucket, never a URL
    priority: Priority
    accepted_at: datetime
    parent_id: UUID | None = None  # the document it was found in
    metadata: dict[str, Any] = Field(default_factory=dict)


class ReprocessingAccepted(DocumentEvent):
    """A further generation will be made; the result of the one before stays until it is whole."""

    type: ClassVar[str] = "docyard.document.reprocessing_accepted.v1"

    from_stage: Stage  # earlier stages' artifacts are taken over
    requested_by: str
    accepted_at: datetime


class RunReport(BaseModel):
    """How a run went that has ended: for timelines, not for decisions."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    worker: str
    waited_s: float = Field(ge=0)  # due, for a free slot
    ran_s: float = Field(ge=0)
    mode: str = "standard"  # a step of the retry ladder
    pages: int | None = Field(default=None, ge=0)
    peak_memory_bytes: int | None = Field(default=None, ge=0)  # of the child


class ChildrenAccepted(DocumentEvent):
    """Files inside the document have become documents of their own."""

    type: ClassVar[str] = "docyard.document.children_accepted.v1"

    children: int = Field(ge=0)
    refused_count: int = Field(default=0, ge=0)
    refused: tuple[RefusedChild, ...] = ()  # the first hundred
    accepted_at: datetime


class StageEvent(DocumentEvent):
    """A fact about one run of one stage."""

    stage: Stage
    attempt: int = Field(ge=1)
    at: datetime


class StageStarted(StageEvent):
    """A slot took the document; it works on it under a lease."""

    type: ClassVar[str] = "docyard.document.stage_started.v1"


class StageFinished(StageEvent):
    """The stage's results are stored and committed."""

    type: ClassVar[str] = "docyard.document.stage_finished.v1"

    pages_total: int | None = Field(default=None, ge=0)
    duration_s: float = Field(ge=0)
    run: RunReport | None = None
    results: dict[str, Any] = Field(default_factory=dict)
    """Small facts for people (`content_type`, `language`, `page_count` …); artifacts stay in S3."""
    reused_from: UUID | None = None
    """The equal document of the same owner whose results were taken over; None: the work was done.
    """


class StageRetrying(StageEvent):
    """The run failed in a way that may pass; the next one starts at *due_at*."""

    type: ClassVar[str] = "docyard.document.stage_retrying.v1"

    reason: FailureReason
    message: Plain
    due_at: datetime
    run: RunReport | None = None
    next_mode: str | None = None  # how the next attempt works, where it differs


class DocumentProgressed(StageEvent):
    """How far a running stage is; may be lost, carries no decision."""

    type: ClassVar[str] = "docyard.document.progressed.v1"

    pages_done: int = Field(ge=0)
    pages_total: int | None = Field(default=None, ge=0)
    eta_s: float | None = Field(default=None, ge=0)  # of this stage, from the document's own pace
    message: Plain = ""


class DocumentCompleted(DocumentEvent):
    """All stages are done: the document can be read and searched."""

    type: ClassVar[str] = "docyard.document.completed.v1"

    completed_at: datetime
    pages_total: int | None = Field(default=None, ge=0)
    with_errors: bool = False
    pipeline_version: int = Field(default=0, ge=0)  # of the code that made it; 0: not told
    document_type: str | None = None  # invoice, contract … ; None where nothing speaks for any


class DocumentFailed(DocumentEvent):
    """The document's work is a dead letter; a person may replay it."""

    type: ClassVar[str] = "docyard.document.failed.v1"

    stage: Stage
    attempt: int = Field(ge=1)
    reason: FailureReason
    message: Plain  # one sentence for the owner: what is wrong and what to do
    failed_at: datetime
    run: RunReport | None = None


class DocumentCancelled(DocumentEvent):
    """Somebody who may stopped the work; nothing of this generation will follow."""

    type: ClassVar[str] = "docyard.document.cancelled.v1"

    cancelled_at: datetime


class DocumentDeleted(DocumentEvent):
    """The owner erased the document: whoever holds anything of it must erase it too."""

    type: ClassVar[str] = "docyard.document.deleted.v1"

    deleted_at: datetime
