"""The query of `GET /documents`."""

from datetime import UTC, datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from docyard_common.analysis import DocumentType
from docyard_common.events.stages import DocumentState, Priority
from ingest.tables.document_lists import DocumentFilter


def aware(at: datetime) -> datetime:
    """Return *at* with a time zone: a time without one is UTC."""
    return at if at.tzinfo else at.replace(tzinfo=UTC)


LARGEST_VERSION: Final = 2**31 - 1  # of PostgreSQL's integer
_Time = Annotated[datetime, AfterValidator(aware)]
_Text = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]


class ListQuery(BaseModel):
    """Filters narrow, repeated ones widen; unknown ones are refused by name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: list[DocumentState] = Query(default_factory=list)
    type: list[_Text] = Query(default_factory=list, description="Content types.")
    document_type: list[DocumentType] = Query(default_factory=list)
    priority: list[Priority] = Query(default_factory=list)
    created_after: _Time | None = None
    created_before: _Time | None = None
    q: _Text | None = Field(default=None, description="Part of the file name.")
    pipeline_version_below: int | None = Field(
        default=None,
        ge=1,
        le=LARGEST_VERSION,
        description="Only what an older pipeline has made, or none yet.",
    )
    parent_id: UUID | None = Field(default=None, description="What was found inside this one.")
    top_level: bool = Field(default=False, description="Only what was uploaded itself.")
    cursor: Annotated[str, Field(max_length=500)] | None = None
    limit: int = Field(default=50, ge=1, le=200)

    def filter(self) -> DocumentFilter:
        return DocumentFilter(
            states=self.state,
            content_types=self.type,
            document_types=self.document_type,
            priorities=self.priority,
            created_after=self.created_after,
            created_before=self.created_before,
            text=self.q,
            pipeline_version_below=self.pipeline_version_below,
            parent_id=self.parent_id,
            top_level=self.top_level,
        )
