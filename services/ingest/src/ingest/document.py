"""A document as ingest holds it: what was uploaded, and the view that events have advanced."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from docyard_common.artifacts import original_key
from docyard_common.events.progress import DocumentView
from docyard_common.events.stages import Priority, Stage
from docyard_common.events.work import Lineage


@dataclass(frozen=True)
class NewDocument:
    """All that a way in has found out about a file whose bytes are stored."""

    document_id: UUID
    owner: str
    filename: str
    content_type: str  # by content
    size_bytes: int
    sha256: str  # hex, of the stored bytes
    priority: Priority
    options: dict[str, Any]
    metadata: dict[str, Any]
    accepted_at: datetime
    stored_under: str | None = None  # None: under the document's own key
    lineage: Lineage | None = None  # of a file that was found inside another document
    found_in_generation: int = 0  # of the parent

    @property
    def object_key(self) -> str:
        return self.stored_under or original_key(self.document_id)


class Start(BaseModel, frozen=True):
    """What a generation begins with: its first stage, and what that has to be told."""

    stage: Stage
    inherits_from: int | None = None  # the generation whose artifacts it takes over
    content_type: str | None = None
    pages_total: int | None = None
    language: str | None = None
    document_type: str | None = None
    with_errors: bool = False


@dataclass(frozen=True)
class Document:
    """One row; `view` is the part that only the projector changes."""

    filename: str
    content_type: str
    size_bytes: int
    sha256: str
    object_key: str
    priority: Priority
    options: dict[str, Any]
    original_removed_at: datetime | None  # by its owner's terms; what was made of it stays
    artifacts_removed_generation: int  # by those terms, what it and those before it have made
    metadata: dict[str, Any]
    created_at: datetime
    view: DocumentView
    lineage: Lineage | None = None
    start: Start | None = None  # of the newest generation; None of the first one
    children_count: int = 0

    @property
    def document_id(self) -> UUID:
        return self.view.document_id

    @property
    def generation(self) -> int:
        """The newest generation that was asked for; the first one before any has begun."""
        return max(self.view.generation, 1)

    @property
    def kept_result(self) -> int | None:
        """The newest whole generation, unless its artifacts are not kept any more."""
        result = self.view.result_generation
        return result if result and result > self.artifacts_removed_generation else None

    @property
    def artifact_generation(self) -> int:
        """The generation whose artifacts are read: the newest whole one, else the newest."""
        return self.kept_result or self.generation

    @property
    def artifacts_removed(self) -> bool:
        """Whether what was made of it is not kept, and nothing has been made anew since then."""
        return self.generation <= self.artifacts_removed_generation


@dataclass(frozen=True)
class IdempotencyClaim:
    """What an `Idempotency-Key` stands for: this owner, this call, this body."""

    owner: str
    route: str
    key: str
    fingerprint: str  # hex SHA-256 over the file and the fields
