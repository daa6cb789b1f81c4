"""Ends entries: resolved, discarded, expired; and opens them again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from dlq_admin.domain.entries import DISCARDABLE, RESTORABLE, UNRESOLVED, EntryState
from docyard_common.database import Transaction

_RESOLVE = """
with resolved as (
    update entries set state = 'resolved', settled_at = %(at)s, settled_by = null,
                       settled_reason = null
    where document_id = %(document_id)s and (%(stage)s::text is null or stage = %(stage)s)
      and seq < %(seq)s and state = any(%(states)s)
    returning id, replay_id, stage
), noted as (
    update replay_items i set result = 'resolved' from resolved r
    where i.replay_id = r.replay_id and i.entry_id = r.id and i.result is null
      and i.outcome = 'moved'
)
select stage from resolved
"""
_GIVE_UP = """
update entries set state = 'discarded', settled_at = %s, settled_by = %s, settled_reason = %s
where document_id = %s and seq < %s and state = any(%s)
"""
_DISCARD = """
update entries set state = 'discarded', settled_at = now(), settled_by = %s, settled_reason = %s
where id = %s and state = any(%s) returning stage
"""
_RESTORE = """
update entries set state = 'open', settled_at = null, settled_by = null, settled_reason = null
where id = %s and state = any(%s) returning stage
"""
_EXPIRE = """
update entries set state = 'expired', settled_at = %(now)s
where expires_at <= %(now)s and state in ('open', 'parked', 'replayed')
"""
_FORGET = (
    "delete from entries where state = any(%(settled)s) and last_failed_at < %(before)s",
    "delete from retries where at < %(before)s",
    "delete from stage_outcomes where at < %(before)s",
    "delete from erased where erased_at < %(before)s",
)


async def resolve(
    tx: Transaction, document_id: UUID, stage: str | None, *, seq: int, at: datetime
) -> list[str]:
    """Resolve what failed before *seq* (*stage* None: every stage); return the stages."""
    cursor = await tx.execute(
        _RESOLVE,
        {
            "document_id": document_id,
            "stage": stage,
            "seq": seq,
            "at": at,
            "states": [*UNRESOLVED, EntryState.EXPIRED],
        },
    )
    return [row["stage"] for row in await cursor.fetchall()]


async def give_up(
    tx: Transaction, document_id: UUID, *, seq: int, at: datetime, by: str, reason: str
) -> None:
    """Discard what failed before *seq*: nothing of it can be processed any more."""
    await tx.execute(_GIVE_UP, (at, by, reason, document_id, seq, list(UNRESOLVED)))


async def discard(tx: Transaction, entry_id: UUID, *, by: str, reason: str) -> str | None:
    """Discard an entry that no replay holds; return its stage, None if its state forbids it."""
    return await _stage(tx, _DISCARD, (by, reason, entry_id, list(DISCARDABLE)))


async def restore(tx: Transaction, entry_id: UUID) -> str | None:
    """Open a discarded or parked entry; return its stage, None if its state forbids it."""
    return await _stage(tx, _RESTORE, (entry_id, list(RESTORABLE)))


async def expire(tx: Transaction, *, now: datetime) -> int:
    """Expire what has left its topic; return how many."""
    return (await tx.execute(_EXPIRE, {"now": now})).rowcount


async def forget(tx: Transaction, *, before: datetime, settled: Sequence[EntryState]) -> int:
    """Delete settled entries and loose ends that are older than *before*; return how many."""
    deleted = 0
    for statement in _FORGET:
        values = {"before": before, "settled": list(settled)}
        deleted += (await tx.execute(statement, values)).rowcount
    return deleted


async def _stage(tx: Transaction, statement: str, values: tuple[Any, ...]) -> str | None:
    row = await (await tx.execute(statement, values)).fetchone()
    return None if row is None else str(row["stage"])
