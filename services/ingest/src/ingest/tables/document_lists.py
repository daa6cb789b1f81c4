"""Documents by many, as they are asked for: lists, statistics, what bulk operations select."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from docyard_common.database import Transaction
from docyard_common.events.stages import DocumentState, Priority
from ingest.document import Document
from ingest.tables.document_rows import WITH_COUNT, document_of

_NARROWED: Final = """
    deleted_at is null
    and (%(states)s::text[] is null or state = any(%(states)s))
    and (%(content_types)s::text[] is null or content_type = any(%(content_types)s))
    and (%(document_types)s::text[] is null or document_type = any(%(document_types)s))
    and (%(priorities)s::text[] is null or priority = any(%(priorities)s))
    and (%(created_after)s::timestamptz is null or created_at >= %(created_after)s)
    and (%(created_before)s::timestamptz is null or created_at < %(created_before)s)
    and (%(text)s::text is null or filename ilike %(text)s)
    and (%(parent_id)s::uuid is null or parent_id = %(parent_id)s)
    and (not %(top_level)s or parent_id is null)
    and (%(document_ids)s::uuid[] is null or document_id = any(%(document_ids)s))
    and (%(pipeline_version_below)s::int is null or pipeline_version < %(pipeline_version_below)s)
"""
_PAGE: Final = f"""
{WITH_COUNT}
where owner = %(owner)s and (%(before)s::uuid is null or document_id < %(before)s) and {_NARROWED}
order by document_id desc limit %(limit)s
"""
SELECTED: Final = f"""
select document_id, owner, greatest(generation, 1) as generation, state from documents
where (%(owner)s::text is null or owner = %(owner)s) and {_NARROWED}
order by document_id limit %(limit)s
"""  # noqa: S608 - joined from constants
"""What a bulk operation is about, the oldest first; *owner* null selects everybody's."""
_STATS: Final = """
select state, content_type, count(*) as documents, sum(size_bytes)::bigint as size_bytes
from documents where owner = %s and deleted_at is null group by state, content_type
"""


@dataclass(frozen=True)
class DocumentFilter:
    """What a list is narrowed to; None narrows nothing."""

    states: Sequence[DocumentState] | None = None
    content_types: Sequence[str] | None = None
    document_types: Sequence[str] | None = None  # as analyze found them
    priorities: Sequence[Priority] | None = None
    created_after: datetime | None = None  # inclusive
    created_before: datetime | None = None  # exclusive
    text: str | None = None  # part of the file name, any case
    document_ids: Sequence[UUID] | None = None
    pipeline_version_below: int | None = None
    parent_id: UUID | None = None  # only what was found inside this one
    top_level: bool = False  # only what was uploaded

    def parameters(self) -> dict[str, Any]:
        """Return what the statements of this filter are given."""
        return {
            "states": _listed(self.states),
            "content_types": _listed(self.content_types),
            "document_types": _listed(self.document_types),
            "priorities": _listed(self.priorities),
            "created_after": self.created_after,
            "created_before": self.created_before,
            "text": None if self.text is None else f"%{_escaped(self.text)}%",
            "document_ids": list(self.document_ids) if self.document_ids else None,
            "pipeline_version_below": self.pipeline_version_below,
            "parent_id": self.parent_id,
            "top_level": self.top_level,
        }


@dataclass(frozen=True)
class StatsRow:
    """Documents of one owner with one state and type in common."""

    state: DocumentState
    content_type: str
    documents: int
    size_bytes: int


async def page(
    tx: Transaction, narrowed: DocumentFilter, *, owner: str, before: UUID | None, limit: int
) -> list[Document]:
    """Return up to *limit* documents of *owner*, newest first, older than *before*."""
    parameters = {"owner": owner, "before": before, "limit": limit, **narrowed.parameters()}
    cursor = await tx.execute(_PAGE, parameters)
    return [document_of(row) for row in await cursor.fetchall()]


async def stats(tx: Transaction, *, owner: str) -> list[StatsRow]:
    """Return how many documents and bytes *owner* has, by state and type."""
    cursor = await tx.execute(_STATS, (owner,))
    return [
        StatsRow(DocumentState(r["state"]), r["content_type"], r["documents"], r["size_bytes"])
        for r in await cursor.fetchall()
    ]


def _listed(values: Sequence[str] | None) -> list[str] | None:
    return [str(value) for value in values] if values else None


def _escaped(text: str) -> str:
    """Return *text* with the wildcards of LIKE taken literally."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
