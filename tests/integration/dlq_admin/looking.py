"""What lies in the database of a test."""

from typing import Any
from uuid import UUID

from dlq_admin.domain.entries import EntryFilter
from dlq_admin.domain.replays import ReplayOrder, Selection
from dlq_admin.tables.audit import Deed
from docyard_common.database import Database
from docyard_common.events import codec
from docyard_common.events.envelope import Event
from docyard_common.events.topics import EVENTS
from docyard_common.kafka.received import ReceivedRecord

DEED = Deed("oscar", "test", {}, reason="known")
ALL = EntryFilter(stage="extract")


async def rows(database: Database, query: str, *values: object) -> list[dict[str, Any]]:
    async with database.transaction() as tx:
        return await (await tx.execute(query, values)).fetchall()


async def only_entry(database: Database) -> dict[str, Any]:
    (entry,) = await rows(database, "select * from entries")
    return entry


async def sent(database: Database) -> list[dict[str, Any]]:
    return await rows(database, "select * from outbox order by id")


def fact(event: Event) -> ReceivedRecord:
    record = codec.encode(event, topic=EVENTS, source="processor")
    return ReceivedRecord(EVENTS, 0, 0, 0, record.key, record.value, tuple(record.headers))


def order(*entry_ids: UUID, where: EntryFilter | None = None, **changes: Any) -> ReplayOrder:
    selection = (
        Selection({"ids": len(entry_ids)}, entry_ids=entry_ids)
        if where is None
        else Selection({"filter": where.described()}, where=where)
    )
    given: dict[str, Any] = {
        "selection": selection,
        "actor": "oscar",
        "reason": "fixed",
        "rate_per_s": 20.0,
    }
    return ReplayOrder(**(given | changes))


async def ids(database: Database) -> list[Any]:
    return [row["id"] for row in await rows(database, "select id from entries order by id")]


async def replay(database: Database) -> dict[str, Any]:
    (found,) = await rows(database, "select * from replays where not dry_run")
    return found
