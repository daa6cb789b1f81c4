"""The table `documents`: one row a document, its view columns written by the projector alone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from docyard_common.database import Transaction
from docyard_common.errors import FailureReason
from docyard_common.events.progress import DocumentView, ViewError
from docyard_common.events.stages import DocumentState, Priority, Stage
from docyard_common.events.work import Lineage
from ingest.document import Document, NewDocument

_INSERT: Final = """
insert into documents (document_id, owner, filename, content_type, size_bytes, sha256, object_key,
    priority, options, metadata, parent_id, lineage, message, created_at, updated_at,
    waits_for, waiting_since)
values (%(document_id)s, %(owner)s, %(filename)s, %(content_type)s, %(size_bytes)s, %(sha256)s,
    %(object_key)s, %(priority)s, %(options)s, %(metadata)s, %(parent_id)s, %(lineage)s,
    %(message)s, %(created_at)s, %(created_at)s, 'validate', %(created_at)s)
on conflict do nothing
"""
_WITH_COUNT: Final = """
select *, (
    select count(*) from documents child
    where child.parent_id = documents.document_id and child.deleted_at is null
) as children_count from documents
"""
_FIND: Final = f"""
{_WITH_COUNT} where document_id = %s and owner = %s and deleted_at is null
"""
_HOLD: Final = """
select * from documents where document_id = any(%s) and deleted_at is null
order by document_id for update
"""
_UPDATE: Final = """
update documents set generation = %(generation)s, seq = %(seq)s, updated_at = %(updated_at)s,
    state = %(state)s, stage = %(stage)s, progress = %(progress)s, pages_done = %(pages_done)s,
    pages_total = %(pages_total)s, message = %(message)s, eta_s = %(eta_s)s,
    attempt = %(attempt)s, error_code = %(error_code)s, error_message = %(error_message)s,
    error_retryable = %(error_retryable)s, completed_at = %(completed_at)s,
    result_generation = %(result_generation)s, pipeline_version = %(pipeline_version)s,
    document_type = %(document_type)s,
    waits_for = %(waits_for)s, waiting_since = %(waiting_since)s
where document_id = %(document_id)s
"""
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
{_WITH_COUNT}
where owner = %(owner)s and (%(before)s::uuid is null or document_id < %(before)s) and {_NARROWED}
order by document_id desc limit %(limit)s
"""
SELECTED: Final = f"""
select document_id, owner, greatest(generation, 1) as generation, state from documents
where (%(owner)s::text is null or owner = %(owner)s) and {_NARROWED}
order by document_id limit %(limit)s
"""  # noqa: S608 - joined from constants
"""What a bulk operation is about, the oldest first; *owner* null selects everybody's."""
_IN_WORK: Final = """
    completed_at is null and deleted_at is null
    and greatest(updated_at, coalesce(reconciled_at, updated_at)) <= %(before)s
"""
_UNFINISHED: Final = f"""
{_WITH_COUNT}
where (%(after)s::uuid is null or document_id > %(after)s) and {_IN_WORK}
order by document_id limit %(limit)s for update
"""
_COUNT_UNFINISHED: Final = f"""
select count(*) as documents from documents where {_IN_WORK}
"""  # noqa: S608 - joined from constants
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


async def insert(tx: Transaction, new: NewDocument, *, message: str) -> bool:
    """Add the row, showing *message*; False when an earlier commit has added it."""
    cursor = await tx.execute(
        _INSERT,
        {
            "document_id": new.document_id,
            "owner": new.owner,
            "filename": new.filename,
            "content_type": new.content_type,
            "size_bytes": new.size_bytes,
            "sha256": new.sha256,
            "object_key": new.object_key,
            "priority": new.priority,
            "options": Jsonb(new.options),
            "metadata": Jsonb(new.metadata),
            "parent_id": new.lineage.parent_id if new.lineage else None,
            "lineage": Jsonb(new.lineage.model_dump(mode="json")) if new.lineage else None,
            "message": message,
            "created_at": new.accepted_at,
        },
    )
    return cursor.rowcount == 1


async def find(tx: Transaction, document_id: UUID, *, owner: str) -> Document | None:
    """Return the document if it is there, *owner*'s and not deleted."""
    cursor = await tx.execute(_FIND, (document_id, owner))
    row = await cursor.fetchone()
    return None if row is None else _document(row)


async def hold(tx: Transaction, document_ids: Iterable[UUID]) -> dict[UUID, DocumentView]:
    """Lock the rows of *document_ids* in their order and return their views; unknown ones miss."""
    cursor = await tx.execute(_HOLD, (list(document_ids),))
    return {row["document_id"]: _view(row) for row in await cursor.fetchall()}


async def update(tx: Transaction, views: Iterable[DocumentView]) -> None:
    """Write the views of rows that are held."""
    async with tx.cursor() as cursor:
        await cursor.executemany(_UPDATE, [_columns(view) for view in views])


async def page(
    tx: Transaction, narrowed: DocumentFilter, *, owner: str, before: UUID | None, limit: int
) -> list[Document]:
    """Return up to *limit* documents of *owner*, newest first, older than *before*."""
    parameters = {"owner": owner, "before": before, "limit": limit, **narrowed.parameters()}
    cursor = await tx.execute(_PAGE, parameters)
    return [_document(row) for row in await cursor.fetchall()]


async def stats(tx: Transaction, *, owner: str) -> list[StatsRow]:
    """Return how many documents and bytes *owner* has, by state and type."""
    cursor = await tx.execute(_STATS, (owner,))
    return [
        StatsRow(DocumentState(r["state"]), r["content_type"], r["documents"], r["size_bytes"])
        for r in await cursor.fetchall()
    ]


async def visible(tx: Transaction, document_ids: Iterable[UUID], *, owner: str) -> set[UUID]:
    """Return which of *document_ids* are there, *owner*'s and not deleted."""
    cursor = await tx.execute(
        "select document_id from documents"
        " where document_id = any(%s) and owner = %s and deleted_at is null",
        (list(document_ids), owner),
    )
    return {row["document_id"] for row in await cursor.fetchall()}


async def unfinished(
    tx: Transaction, *, after: UUID | None, before: datetime, limit: int
) -> list[Document]:
    """Return documents in work that nothing was heard of since *before*, by their ids."""
    cursor = await tx.execute(_UNFINISHED, {"after": after, "before": before, "limit": limit})
    return [_document(row) for row in await cursor.fetchall()]


async def count_unfinished(tx: Transaction, *, before: datetime) -> int:
    """Return how many documents `unfinished` would return in all."""
    row = await (await tx.execute(_COUNT_UNFINISHED, {"before": before})).fetchone()
    return int(row["documents"]) if row else 0


async def twin(
    tx: Transaction, *, owner: str, sha256: str, options: Mapping[str, Any]
) -> tuple[UUID, str] | None:
    """Return id and object key of *owner*'s oldest document of this content and these options.

    Failed and cancelled ones are passed over: whoever sends them again wants another try.
    """
    cursor = await tx.execute(
        "select document_id, object_key from documents"
        " where owner = %s and sha256 = %s and options = %s"
        " and deleted_at is null and original_removed_at is null"
        " and state not in ('failed', 'cancelled', 'quarantined')"
        " order by document_id limit 1",
        (owner, sha256, Jsonb(dict(options))),
    )
    row = await cursor.fetchone()
    return None if row is None else (row["document_id"], row["object_key"])


async def stored_under(tx: Transaction, *, owner: str, sha256: str, size_bytes: int) -> str | None:
    """Return the key under which a document of *owner* keeps the same bytes."""
    cursor = await tx.execute(
        "select object_key from documents where owner = %s and sha256 = %s and size_bytes = %s"
        " and deleted_at is null and original_removed_at is null order by document_id limit 1",
        (owner, sha256, size_bytes),
    )
    row = await cursor.fetchone()
    return None if row is None else row["object_key"]


async def referenced(tx: Transaction, object_keys: Iterable[str]) -> set[str]:
    """Return which of *object_keys* a row names, deleted ones included."""
    cursor = await tx.execute(
        "select distinct object_key from documents where object_key = any(%s)", (list(object_keys),)
    )
    return {row["object_key"] for row in await cursor.fetchall()}


def _listed(values: Sequence[str] | None) -> list[str] | None:
    return [str(value) for value in values] if values else None


def _escaped(text: str) -> str:
    """Return *text* with the wildcards of LIKE taken literally."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _document(row: dict[str, Any]) -> Document:
    return Document(
        filename=row["filename"],
        content_type=row["content_type"],
        size_bytes=row["size_bytes"],
        sha256=row["sha256"],
        object_key=row["object_key"],
        priority=Priority(row["priority"]),
        options=row["options"],
        original_removed_at=row["original_removed_at"],
        metadata=row["metadata"],
        created_at=row["created_at"],
        view=_view(row),
        lineage=Lineage.model_validate(row["lineage"]) if row["lineage"] else None,
        children_count=row["children_count"],
    )


def _view(row: dict[str, Any]) -> DocumentView:
    return DocumentView(
        document_id=row["document_id"],
        owner=row["owner"],
        generation=row["generation"],
        seq=row["seq"],
        updated_at=row["updated_at"],
        state=DocumentState(row["state"]),
        stage=Stage(row["stage"]) if row["stage"] else None,
        progress=row["progress"],
        pages_done=row["pages_done"],
        pages_total=row["pages_total"],
        message=row["message"],
        eta_s=row["eta_s"],
        attempt=row["attempt"],
        error=_error(row),
        completed_at=row["completed_at"],
        result_generation=row["result_generation"],
        pipeline_version=row["pipeline_version"],
        document_type=row["document_type"],
        waits_for=Stage(row["waits_for"]) if row["waits_for"] else None,
        waiting_since=row["waiting_since"],
    )


def _error(row: dict[str, Any]) -> ViewError | None:
    if row["error_code"] is None:
        return None
    return ViewError(FailureReason(row["error_code"]), row["error_message"], row["error_retryable"])


def _columns(view: DocumentView) -> dict[str, Any]:
    error = view.error
    return {
        "document_id": view.document_id,
        "generation": view.generation,
        "seq": view.seq,
        "updated_at": view.updated_at,
        "state": view.state,
        "stage": view.stage,
        "progress": view.progress,
        "pages_done": view.pages_done,
        "pages_total": view.pages_total,
        "message": view.message,
        "eta_s": view.eta_s,
        "attempt": view.attempt,
        "error_code": error and error.code,
        "error_message": error and error.message,
        "error_retryable": error and error.retryable,
        "completed_at": view.completed_at,
        "result_generation": view.result_generation,
        "pipeline_version": view.pipeline_version,
        "document_type": view.document_type,
        "waits_for": view.waits_for,
        "waiting_since": view.waiting_since,
    }
