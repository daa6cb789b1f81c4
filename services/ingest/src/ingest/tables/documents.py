"""The table `documents`: one row a document, its view columns written by the projector alone."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final
from uuid import UUID

from psycopg.types.json import Jsonb

from docyard_common.database import Transaction
from docyard_common.events.progress import DocumentView
from ingest.document import Document, NewDocument, Start
from ingest.tables.document_rows import WITH_COUNT, columns_of, document_of, view_of

_INSERT: Final = """
insert into documents (document_id, owner, filename, content_type, size_bytes, sha256, object_key,
    priority, options, metadata, parent_id, lineage, message, created_at, updated_at,
    waits_for, waiting_since)
values (%(document_id)s, %(owner)s, %(filename)s, %(content_type)s, %(size_bytes)s, %(sha256)s,
    %(object_key)s, %(priority)s, %(options)s, %(metadata)s, %(parent_id)s, %(lineage)s,
    %(message)s, %(created_at)s, %(created_at)s, 'validate', %(created_at)s)
on conflict do nothing
"""
_FIND: Final = f"""
{WITH_COUNT} where document_id = %s and owner = %s and deleted_at is null
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
    waits_for = %(waits_for)s, waiting_since = %(waiting_since)s,
    artifacts_removed_generation = case
        when completed_at is distinct from %(completed_at)s::timestamptz
            then least(artifacts_removed_generation, greatest(%(generation)s::int, 1) - 1)
        else artifacts_removed_generation
    end
where document_id = %(document_id)s
"""
"""A generation that works or ends once more, after a replay, has made its artifacts anew."""
_IN_WORK: Final = """
    completed_at is null and deleted_at is null
    and greatest(updated_at, coalesce(reconciled_at, updated_at)) <= %(before)s
"""
_UNFINISHED: Final = f"""
{WITH_COUNT}
where (%(after)s::uuid is null or document_id > %(after)s) and {_IN_WORK}
order by document_id limit %(limit)s for update
"""
_COUNT_UNFINISHED: Final = f"""
select count(*) as documents from documents where {_IN_WORK}
"""  # noqa: S608 - joined from constants


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
    return None if row is None else document_of(row)


async def hold(tx: Transaction, document_ids: Iterable[UUID]) -> dict[UUID, DocumentView]:
    """Lock the rows of *document_ids* in their order and return their views; unknown ones miss."""
    cursor = await tx.execute(_HOLD, (list(document_ids),))
    return {row["document_id"]: view_of(row) for row in await cursor.fetchall()}


async def update(tx: Transaction, views: Iterable[DocumentView]) -> None:
    """Write the views of rows that are held."""
    async with tx.cursor() as cursor:
        await cursor.executemany(_UPDATE, [columns_of(view) for view in views])


async def begin(tx: Transaction, document_id: UUID, start: Start) -> None:
    """Remember what the newest generation began with."""
    await tx.execute(
        "update documents set start = %s where document_id = %s",
        (Jsonb(start.model_dump(mode="json")), document_id),
    )


async def visible(tx: Transaction, document_ids: Iterable[UUID], *, owner: str) -> set[UUID]:
    """Return which of *document_ids* are there, *owner*'s, and still have what was made of them."""
    cursor = await tx.execute(
        "select document_id from documents"
        " where document_id = any(%s) and owner = %s and deleted_at is null"
        " and artifacts_removed_generation < greatest(generation, 1)",
        (list(document_ids), owner),
    )
    return {row["document_id"] for row in await cursor.fetchall()}


async def unfinished(
    tx: Transaction, *, after: UUID | None, before: datetime, limit: int
) -> list[Document]:
    """Return documents in work that nothing was heard of since *before*, by their ids."""
    cursor = await tx.execute(_UNFINISHED, {"after": after, "before": before, "limit": limit})
    return [document_of(row) for row in await cursor.fetchall()]


async def count_unfinished(tx: Transaction, *, before: datetime) -> int:
    """Return how many documents `unfinished` would return in all."""
    row = await (await tx.execute(_COUNT_UNFINISHED, {"before": before})).fetchone()
    return int(row["documents"]) if row else 0
