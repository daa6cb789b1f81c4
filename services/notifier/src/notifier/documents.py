"""The notifier's own tables: newest view per document, its state changes, and how far they reach.

Written by the projector alone, in one transaction per batch; read by every replica.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb
from pydantic import TypeAdapter

from docyard_common.database import Transaction
from docyard_common.events.progress import DocumentView
from docyard_common.kafka.broadcast import Place
from notifier.updates import Update

_VIEW: Final = TypeAdapter(DocumentView)

_CLAIM: Final = """
insert into documents (document_id, owner, seq)
select document_id, '', -1 from unnest(%s::uuid[]) document_id order by document_id
on conflict do nothing
"""
_LOCK: Final = """
select document_id, view from documents where document_id = any(%s)
order by document_id for update
"""
_SAVE: Final = """
update documents set owner = %s, seq = %s, terminal = %s, view = %s, updated_at = now()
where document_id = %s
"""
_REMEMBER: Final = """
insert into facts (document_id, seq, data, terminal) values (%s, %s, %s, %s) on conflict do nothing
"""
_ERASE: Final = "delete from facts where document_id = any(%s)"
_ADVANCE: Final = """
insert into positions (topic, partition, next_offset) values (%s, %s, %s)
on conflict (topic, partition) do update set next_offset = excluded.next_offset
"""
_VIEWS: Final = "select view from documents where document_id = any(%s) and owner = %s"
_ACTIVE: Final = """
select view from documents where owner = %s and not terminal order by document_id desc limit %s
"""
_MISSED: Final = """
select f.document_id, f.seq, f.data, f.terminal
from unnest(%s::uuid[], %s::bigint[]) as held (document_id, seq)
join facts f on f.document_id = held.document_id and f.seq > held.seq
limit %s
"""
_CONNECTED: Final = """
select held.document_id
from unnest(%s::uuid[], %s::bigint[]) as held (document_id, seq)
where exists (select from facts f where f.document_id = held.document_id and f.seq <= held.seq)
"""


@dataclass(frozen=True)
class Fact:
    """A state change as it was told, for whoever missed it."""

    document_id: UUID
    seq: int
    data: Mapping[str, Any]
    terminal: bool


def fact_of(update: Update) -> Fact:
    return Fact(update.document_id, update.seq, update.data, update.terminal)


async def lock_views(
    tx: Transaction, document_ids: Collection[UUID]
) -> dict[UUID, DocumentView | None]:
    """Return the views as they are, locked until the transaction ends; None for new documents.

    A second projector that has records of the same document waits here: the partitions of two
    topics may lie with two replicas.
    """
    ids = sorted(document_ids)
    await tx.execute(_CLAIM, (ids,))
    cursor = await tx.execute(_LOCK, (ids,))
    rows = await cursor.fetchall()
    return {row["document_id"]: _view(row["view"]) if row["view"] else None for row in rows}


async def save_views(tx: Transaction, views: Iterable[DocumentView]) -> None:
    """Write *views* over what `lock_views` returned; a deleted document's facts are erased."""
    views = list(views)
    rows = [
        (v.owner, v.seq, v.is_terminal, Jsonb(_VIEW.dump_python(v, mode="json")), v.document_id)
        for v in views
    ]
    async with tx.cursor() as cursor:
        await cursor.executemany(_SAVE, rows)
    await tx.execute(_ERASE, ([view.document_id for view in views if view.deleted],))


async def save_facts(tx: Transaction, facts: Iterable[Fact]) -> None:
    """Add *facts*; those that are there already stay as they are."""
    rows = [(f.document_id, f.seq, Jsonb(f.data), f.terminal) for f in facts]
    async with tx.cursor() as cursor:
        await cursor.executemany(_REMEMBER, rows)


async def save_places(tx: Transaction, places: Mapping[Place, int]) -> None:
    """Note per place the offset of the next record to project; may go back after a redelivery."""
    rows = [(topic, number, offset) for (topic, number), offset in sorted(places.items())]
    async with tx.cursor() as cursor:
        await cursor.executemany(_ADVANCE, rows)


async def places(tx: Transaction) -> dict[Place, int]:
    """Return how far the projection reaches: everything below these offsets is in the tables."""
    cursor = await tx.execute("select topic, partition, next_offset from positions")
    rows = await cursor.fetchall()
    return {(row["topic"], row["partition"]): row["next_offset"] for row in rows}


async def views(
    tx: Transaction, document_ids: Collection[UUID], *, owner: str
) -> list[DocumentView]:
    """Return the views of those documents that exist and belong to *owner*."""
    cursor = await tx.execute(_VIEWS, (list(document_ids), owner))
    return [_view(row["view"]) for row in await cursor.fetchall()]


async def active_views(tx: Transaction, owner: str, *, limit: int) -> list[DocumentView]:
    """Return the unfinished documents of *owner*, the newest ids first."""
    cursor = await tx.execute(_ACTIVE, (owner, limit))
    return [_view(row["view"]) for row in await cursor.fetchall()]


async def facts_after(tx: Transaction, held: Mapping[UUID, int], *, limit: int) -> list[Fact]:
    """Return facts that are newer than the `seq` held of their document: any *limit* of them."""
    cursor = await tx.execute(_MISSED, (list(held), list(held.values()), limit))
    return [Fact(**row) for row in await cursor.fetchall()]


async def connected(tx: Transaction, held: Mapping[UUID, int]) -> set[UUID]:
    """Return the documents whose facts are kept back to the `seq` held of it, or further."""
    cursor = await tx.execute(_CONNECTED, (list(held), list(held.values())))
    return {row["document_id"] for row in await cursor.fetchall()}


async def forget_old_facts(tx: Transaction, *, days: int) -> int:
    """Delete facts and tombstones older than *days*; return how many facts that were."""
    cursor = await tx.execute(
        "delete from facts where at < now() - make_interval(days => %s)", (days,)
    )
    await tx.execute(
        "delete from documents where (view ->> 'deleted')::boolean"
        " and updated_at < now() - make_interval(days => %s)",
        (days,),
    )
    return cursor.rowcount


def _view(row: Any) -> DocumentView:
    return _VIEW.validate_python(row)
