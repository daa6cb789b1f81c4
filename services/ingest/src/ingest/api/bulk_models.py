"""Orders about many documents, and how far they are."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from docyard_common.analysis import DocumentType
from docyard_common.events.stages import DocumentState, Priority, Stage
from ingest.api.list_query import LARGEST_VERSION, aware
from ingest.api.models import Answer
from ingest.documents.bulk import MAX_DOCUMENTS, BulkPreview
from ingest.tables.document_lists import DocumentFilter

_Time = Annotated[datetime, AfterValidator(aware)]
_Text = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]


class BulkFilter(BaseModel):
    """The filters of the list of documents; each narrows, values of one widen it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    document_ids: list[UUID] = Field(default_factory=list, max_length=10_000)
    state: list[DocumentState] = Field(default_factory=list)
    type: list[_Text] = Field(default_factory=list, description="Content types.")
    document_type: list[DocumentType] = Field(default_factory=list)
    priority: list[Priority] = Field(default_factory=list)
    created_after: _Time | None = None
    created_before: _Time | None = None
    q: _Text | None = Field(default=None, description="Part of the file name.")
    pipeline_version_below: int | None = Field(default=None, ge=1, le=LARGEST_VERSION)

    def narrowed(self) -> DocumentFilter:
        return DocumentFilter(
            states=self.state,
            content_types=self.type,
            document_types=self.document_type,
            priorities=self.priority,
            created_after=self.created_after,
            created_before=self.created_before,
            text=self.q,
            document_ids=self.document_ids,
            pipeline_version_below=self.pipeline_version_below,
        )


class BulkRequest(BaseModel):
    """What every order says: which documents, how fast, and whether it is meant."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    filter: BulkFilter = BulkFilter()
    all: bool = Field(default=False, description="Needed where the filter narrows nothing.")
    all_owners: bool = Field(default=False, description="Everybody's; needs the role operator.")
    dry_run: bool = False
    max: int = Field(default=MAX_DOCUMENTS, ge=1, le=MAX_DOCUMENTS, description="The oldest first.")
    rate_per_s: float = Field(default=100.0, ge=0.1, le=500.0)
    reason: Annotated[str, Field(max_length=500, pattern=r"^[^\x00]*$")] | None = None

    @model_validator(mode="after")
    def _is_meant(self) -> Self:
        if not self.all and not self.filter.model_dump(exclude_defaults=True):
            raise ValueError("a filter that narrows nothing needs all: true")
        return self


class BulkCancel(BulkRequest):
    """Cancel what is in work."""


class BulkReprocess(BulkRequest):
    """Process once more what has ended."""

    rate_per_s: float = Field(default=20.0, ge=0.1, le=500.0)
    max_in_work: int = Field(
        default=100, ge=1, le=10_000, description="So many of them unfinished at once."
    )
    from_stage: Stage = Stage.VALIDATE
    priority: Priority = Priority.LOW


class BulkPreviewOut(Answer):
    """What the order would do now."""

    dry_run: Literal[True] = True
    matched: int
    eligible: int
    sample_ids: list[UUID]
    estimated_s: float

    @classmethod
    def of(cls, preview: BulkPreview) -> "BulkPreviewOut":
        return cls(
            matched=preview.matched,
            eligible=preview.eligible,
            sample_ids=list(preview.sample_ids),
            estimated_s=preview.estimated_s,
        )


class BulkOperationOut(Answer):
    """An operation, and how far it is."""

    id: UUID
    kind: Literal["cancel", "reprocess"]
    status: Literal["pending", "running", "paused", "completed", "cancelled"]
    dry_run: Literal[False] = False
    filter: dict[str, Any]
    from_stage: Stage | None
    priority: Priority | None
    rate_per_s: float
    max_in_work: int
    reason: str | None
    matched: int
    done: int
    skipped: dict[str, int]  # by reason
    in_work: int | None = None  # begun and not ended; only where one operation is read
    progress: float = Field(ge=0, le=100)
    eta_s: float | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @classmethod
    def of(cls, row: dict[str, Any], *, in_work: int | None = None) -> "BulkOperationOut":
        gone = row["done"] + sum(row["skipped"].values())
        left = max(0, row["matched"] - gone)
        ended = row["finished_at"] is not None
        shown = {name: row[name] for name in cls.model_fields if name in row}
        return cls(
            **shown,
            filter=row["selector"],
            in_work=in_work,
            progress=round(100 * gone / row["matched"], 1) if row["matched"] else 100.0,
            eta_s=None
            if ended or row["status"] == "paused"
            else round(left / row["rate_per_s"], 1),
        )


class BulkOperationList(Answer):
    """Newest first."""

    items: list[BulkOperationOut]
    next_cursor: str | None
