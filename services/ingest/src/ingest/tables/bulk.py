"""The tables `bulk_operations` and `bulk_items`: what is done to many documents, one by one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from docyard_common.database import Transaction
from docyard_common.events.stages import DocumentState
from ingest.tables.document_lists import SELECTED, DocumentFilter

_RECENT: Final = 5_000
"""Documents in work are counted among this many that were begun last."""
_TERMINAL: Final = [state.value for state in DocumentState if state.is_terminal]

_INSERT: Final = """
insert into bulk_operations (id, kind, status, actor, selector, from_stage, priority, rate_per_s,
    max_in_work, reason, matched, created_at, finished_at)
values (%(id)s, %(kind)s, %(status)s, %(actor)s, %(selector)s, %(from_stage)s, %(priority)s,
    %(rate_per_s)s, %(max_in_work)s, %(reason)s, %(matched)s, %(created_at)s, %(finished_at)s)
"""
_FILL: Final = f"""
insert into bulk_items (operation_id, position, document_id, owner, generation)
select %(id)s, row_number() over (order by document_id), document_id, owner, generation
from ({SELECTED}) as selected
"""  # noqa: S608 - joined from constants
_LIVE: Final = """
select id from bulk_operations where status in ('pending', 'running') order by id limit 100
"""
_HOLD: Final = """
select * from bulk_operations where id = %s and status in ('pending', 'running')
for update skip locked
"""
_NEXT: Final = """
select position, document_id, owner, generation from bulk_items
where operation_id = %s and outcome = 'waiting' order by position limit %s
"""
_IN_WORK: Final = """
select count(*) as n from (
    select document_id from bulk_items where operation_id = %s and outcome = 'done'
    order by position desc limit %s
) as begun join documents using (document_id) where state <> all(%s)
"""
_TICK: Final = """
update bulk_operations set status = %(status)s, done = done + %(done)s, skipped = %(skipped)s,
    ticked_at = %(now)s, started_at = coalesce(started_at, %(now)s),
    finished_at = case when %(status)s = 'completed' then %(now)s end
where id = %(id)s
"""
_FORGET: Final = """
delete from bulk_operations where id = (
    select id from bulk_operations where finished_at < %s order by finished_at limit 1
)
"""
_PAGE: Final = """
select * from bulk_operations where actor = %s and (%s::uuid is null or id < %s)
order by id desc limit %s
"""


async def add(tx: Transaction, operation: dict[str, Any]) -> None:
    """Add an operation, complete but for its items."""
    await tx.execute(_INSERT, {**operation, "selector": Jsonb(operation["selector"])})


async def fill(
    tx: Transaction, operation_id: UUID, narrowed: DocumentFilter, *, owner: str | None, limit: int
) -> int:
    """Fix what the operation is about, and return how many: later changes change nothing."""
    parameters = {"id": operation_id, "owner": owner, "limit": limit, **narrowed.parameters()}
    matched = (await tx.execute(_FILL, parameters)).rowcount
    counted = "update bulk_operations set matched = %s where id = %s"
    await tx.execute(counted, (matched, operation_id))
    return matched


async def selected(
    tx: Transaction, narrowed: DocumentFilter, *, owner: str | None, limit: int
) -> list[dict[str, Any]]:
    """Return what an operation would be about."""
    parameters = {"owner": owner, "limit": limit, **narrowed.parameters()}
    return await (await tx.execute(SELECTED, parameters)).fetchall()


async def find(
    tx: Transaction, operation_id: UUID, *, actor: str, lock: bool = False
) -> dict[str, Any] | None:
    """Return the operation if it is *actor*'s."""
    statement = "select * from bulk_operations where id = %s and actor = %s"
    cursor = await tx.execute(statement + (" for update" if lock else ""), (operation_id, actor))
    return await cursor.fetchone()


async def page(
    tx: Transaction, *, actor: str, before: UUID | None, limit: int
) -> list[dict[str, Any]]:
    """Return operations of *actor*, newest first."""
    return await (await tx.execute(_PAGE, (actor, before, before, limit))).fetchall()


async def set_status(tx: Transaction, operation_id: UUID, status: str, *, at: datetime) -> None:
    """Pause, resume or end an operation; ticks begin to count anew."""
    await tx.execute(
        "update bulk_operations set status = %s, ticked_at = null,"
        " finished_at = case when %s = 'cancelled' then %s::timestamptz end where id = %s",
        (status, status, at, operation_id),
    )


async def live(tx: Transaction) -> list[UUID]:
    """Return the operations that go on, the oldest first."""
    return [row["id"] for row in await (await tx.execute(_LIVE)).fetchall()]


async def hold(tx: Transaction, operation_id: UUID) -> dict[str, Any] | None:
    """Return a live operation, locked; None when another replica holds it or it has ended."""
    return await (await tx.execute(_HOLD, (operation_id,))).fetchone()


async def in_work(tx: Transaction, operation_id: UUID) -> int:
    """Return how many of the operation's documents are being processed."""
    row = await (await tx.execute(_IN_WORK, (operation_id, _RECENT, _TERMINAL))).fetchone()
    return int(row["n"]) if row else 0


async def next_items(tx: Transaction, operation_id: UUID, *, limit: int) -> list[dict[str, Any]]:
    """Return what comes next, in order."""
    return await (await tx.execute(_NEXT, (operation_id, limit))).fetchall()


async def note(
    tx: Transaction, operation_id: UUID, noted: Sequence[tuple[int, str, str | None]]
) -> None:
    """Write down what became of items: position, outcome, detail."""
    async with tx.cursor() as cursor:
        await cursor.executemany(
            "update bulk_items set outcome = %s, detail = %s"
            " where operation_id = %s and position = %s",
            [(outcome, detail, operation_id, position) for position, outcome, detail in noted],
        )


async def tick(
    tx: Transaction,
    operation_id: UUID,
    *,
    status: str,
    done: int,
    skipped: dict[str, int],
    now: datetime,
) -> None:
    """Advance the operation by what one tick has done."""
    parameters = {
        "id": operation_id,
        "status": status,
        "done": done,
        "skipped": Jsonb(skipped),
        "now": now,
    }
    await tx.execute(_TICK, parameters)


async def forget(tx: Transaction, *, before: datetime) -> bool:
    """Remove one operation that ended before *before*, with its items; False where none did.

    One alone: it may have 100,000 items, and a transaction has its time.
    """
    return (await tx.execute(_FORGET, (before,))).rowcount > 0
