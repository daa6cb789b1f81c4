"""The table `document_events`: every fact about a document, once; ticks are not kept."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from docyard_common.database import Transaction
from docyard_common.events.envelope import DocumentEvent
from docyard_common.events.progress import advance

_INSERT: Final = """
insert into document_events (document_id, seq, type, at, data)
values (%s, %s, %s, %s, %s) on conflict do nothing
"""
_MOST: Final = 10_000
_PAGE: Final = """
select seq, type, at, data from document_events
where document_id = %(document_id)s and (seq, type) > (%(seq)s, %(type)s)
order by seq, type limit %(limit)s
"""


@dataclass(frozen=True)
class EventRow:
    """One fact, as its publisher said it."""

    seq: int
    type: str
    at: datetime
    data: dict[str, Any]


async def append(tx: Transaction, events: Iterable[DocumentEvent]) -> None:
    """Keep *events* of documents that have a row; what is kept already changes nothing."""
    rows = [_row(event) for event in events]
    if len(rows) == 1:  # an upload's own: the pipeline of executemany would be its dearest step
        await tx.execute(_INSERT, rows[0])
        return
    async with tx.cursor() as cursor:
        await cursor.executemany(_INSERT, rows)


async def append_new(tx: Transaction, event: DocumentEvent) -> bool:
    """Keep *event* of a document that has a row; False when it is kept already."""
    return (await tx.execute(_INSERT, _row(event))).rowcount == 1


async def page(
    tx: Transaction, document_id: UUID, *, after: tuple[int, str], limit: int
) -> list[EventRow]:
    """Return up to *limit* facts behind the position *after* (seq, type), oldest first."""
    seq, event_type = after
    cursor = await tx.execute(
        _PAGE, {"document_id": document_id, "seq": seq, "type": event_type, "limit": limit}
    )
    return [
        EventRow(row["seq"], row["type"], row["at"], row["data"]) for row in await cursor.fetchall()
    ]


async def all_of(tx: Transaction, document_id: UUID) -> list[EventRow]:
    """Return the facts of a document, oldest first: up to ten thousand."""
    return await page(tx, document_id, after=(-1, ""), limit=_MOST)


def _row(event: DocumentEvent) -> tuple[object, ...]:
    # Each event calls its own time differently; the view knows which field it is.
    at = advance(None, event).updated_at
    data = event.model_dump(mode="json", exclude={"document_id", "owner", "seq"})
    return (event.document_id, event.seq, event.type, at, Jsonb(data))
