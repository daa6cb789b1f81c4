"""Work and commands: what is to be done, as opposed to what has happened."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from docyard_common.events.envelope import DocumentEvent, Event
from docyard_common.events.stages import Priority, Stage


class Lineage(BaseModel):
    """Where a document that was found inside another one comes from, and what it may hold."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    parent_id: UUID
    depth: int = Field(ge=1)  # 1 inside an upload, 2 inside that, ...
    members_left: int = Field(ge=0)
    bytes_left: int = Field(ge=0)


class StageRequested(DocumentEvent):
    """Do this stage of this document now: topic `work.<stage>.<priority>`.

    Carries all that a stage needs to know, so that no service asks another's tables.
    """

    type: ClassVar[str] = "docyard.work.stage_requested.v1"

    stage: Stage
    priority: Priority
    filename: str
    content_type: str
    size_bytes: int = Field(ge=1)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    object_key: str
    accepted_at: datetime
    options: dict[str, Any] = Field(default_factory=dict)  # `processing_options`
    pages_total: int | None = None
    language: str | None = None
    document_type: str | None = None  # as analyze found it
    with_errors: bool = False  # an earlier stage could not read every page
    inherits_from: int | None = Field(default=None, ge=1)
    """The generation whose artifacts of the earlier stages this one begins with; None: its own."""
    reconciling: bool = False
    """Asked for again because records may be lost: done stages are run once more, to tell it."""
    lineage: Lineage | None = None  # None for what somebody uploaded
    recipe: str | None = None
    """What the result follows from, for as long as every stage has kept to it; set by validate."""


class ChildrenFound(DocumentEvent):
    """A container's files are stored: make documents of them. Topic `documents.children`.

    About the container; ingest, which is the one to make documents, obeys it.
    """

    type: ClassVar[str] = "docyard.document.children_found.v1"

    members_key: str  # of the artifact that lists them
    priority: Priority
    options: dict[str, Any] = Field(default_factory=dict)
    depth: int = Field(ge=1)  # of the children
    found_at: datetime


class CancelRequested(Event):
    """Stop all work on a document: topic `commands`."""

    type: ClassVar[str] = "docyard.document.cancel_requested.v1"

    document_id: UUID
    owner: str
    requested_by: str
    requested_at: datetime
    generation: int = Field(default=1, ge=1)  # the newest that was asked for
    result_generation: int | None = Field(default=None, ge=1)  # stays visible, and searchable

    @property
    def key(self) -> str:
        return str(self.document_id)


class ReprocessRequested(Event):
    """Process a document once more: topic `commands`, obeyed by ingest, which counts generations.

    One that is in work, deleted or beyond *after_generation* is left alone.
    """

    type: ClassVar[str] = "docyard.document.reprocess_requested.v1"

    document_id: UUID
    owner: str
    from_stage: Stage
    after_generation: int = Field(ge=1)  # the one that failed
    requested_by: str
    requested_at: datetime

    @property
    def key(self) -> str:
        return str(self.document_id)


class RemovalRequested(Event):
    """Remove the artifacts of generations below: topic `commands`.

    A newer one is visible, or their term has passed.
    """

    type: ClassVar[str] = "docyard.document.removal_requested.v1"

    document_id: UUID
    below_generation: int = Field(ge=2)
    requested_at: datetime

    @property
    def key(self) -> str:
        return str(self.document_id)


class StageSlotsRequested(Event):
    """Change how many documents a stage works on at once, in every replica: topic `commands`."""

    type: ClassVar[str] = "docyard.stage.slots_requested.v1"

    stage: Stage
    slots: int | None = Field(ge=0, le=64)  # 0 pauses the stage; None: as each replica is set
    requested_by: str
    requested_at: datetime

    @property
    def key(self) -> str:
        return self.stage.value


class BreakerResetRequested(Event):
    """Close a breaker, for its server is back: topic `commands`, read by every processor."""

    type: ClassVar[str] = "docyard.stage.breaker_reset_requested.v1"

    stage: Stage
    dependency: str
    requested_by: str
    requested_at: datetime

    @property
    def key(self) -> str:
        return self.stage.value


class StageResumeRequested(Event):
    """Let a stage that its guard has stopped go on: topic `commands`, read by every processor."""

    type: ClassVar[str] = "docyard.stage.resume_requested.v1"

    stage: Stage
    requested_by: str
    requested_at: datetime

    @property
    def key(self) -> str:
        return self.stage.value
