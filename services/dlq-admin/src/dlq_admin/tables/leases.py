"""What a runner does to replays: take them, move their entries, finish them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from dlq_admin.domain.replays import Lease
from docyard_common.database import Transaction
from docyard_common.events.stages import Stage

_TAKE = """
with due as (
    select id from replays
    where status in ('pending', 'running')
      and (lease_until is null or lease_until < %(now)s or lease_owner = %(owner)s)
    order by created_at limit %(limit)s for update skip locked
)
update replays r set status = 'running', lease_owner = %(owner)s, lease_until = %(until)s,
    started_at = coalesce(started_at, now())
from due where r.id = due.id
returning r.id, r.rate_per_s, r.actor, r.from_stage
"""
_HOLD = """
select 1 from replays where id = %s and status = 'running' and lease_owner = %s for update
"""
_GIVE_BACK = """
update replays set lease_owner = null, lease_until = null where lease_owner = %s
"""
_NEXT = """
select i.position, i.entry_id, e.document_id, e.stage,
    case when e.document_id is null then e.value end as value,
    case when e.document_id is null then e.header_names end as header_names,
    case when e.document_id is null then e.header_values end as header_values
from replay_items i left join entries e on e.id = i.entry_id
where i.replay_id = %s and i.outcome = 'waiting' order by i.position limit %s
"""
_TAKE_ENTRY = """
update entries set state = 'replayed', replay_count = replay_count + 1, replayed_at = now()
where id = %s and replay_id = %s and state = 'replaying' returning *
"""
_STATE = "select state from entries where id = %s"
_OPEN_AGAIN = "update entries set state = 'open' where id = %s and replay_id = %s"
_NOTE = """
update replay_items set outcome = %s, detail = %s, at = now() where replay_id = %s and position = %s
"""
_COUNT = """
update replays set moved = moved + %(moved)s, failed = failed + %(failed)s,
    skipped = (select coalesce(jsonb_object_agg(k, n), '{}') from (
        select detail as k, count(*) as n from replay_items
        where replay_id = %(id)s and outcome = 'skipped' group by detail) s)
where id = %(id)s
"""
_FINISH = """
update replays set finished_at = now(), lease_owner = null, lease_until = null,
    status = case when failed > 0 and moved = 0 then 'failed' else 'completed' end
where id = %(id)s and not exists (
    select 1 from replay_items where replay_id = %(id)s and outcome = 'waiting')
"""


async def take(
    tx: Transaction, owner: str, *, now: datetime, until: datetime, limit: int
) -> list[Lease]:
    """Lease what is to be moved and nobody else holds, and renew what *owner* holds."""
    cursor = await tx.execute(_TAKE, {"now": now, "owner": owner, "until": until, "limit": limit})
    rows = await cursor.fetchall()
    return [
        Lease(
            replay_id=row["id"],
            owner=owner,
            rate_per_s=row["rate_per_s"],
            until=until,
            actor=row["actor"],
            from_stage=Stage(row["from_stage"]) if row["from_stage"] else None,
        )
        for row in rows
    ]


async def hold(tx: Transaction, lease: Lease) -> bool:
    """Lock the replay for this transaction; False once paused, cancelled or taken over."""
    cursor = await tx.execute(_HOLD, (lease.replay_id, lease.owner))
    return await cursor.fetchone() is not None


async def give_back(tx: Transaction, owner: str) -> None:
    """End all leases of *owner*: another runner need not wait for them to run out."""
    await tx.execute(_GIVE_BACK, (owner,))


async def next_items(tx: Transaction, lease: Lease, *, limit: int) -> list[dict[str, Any]]:
    """Return the next items that wait: position, entry_id, document_id and stage of the entry.

    Where there is no document, with value and headers: by now they may say which one it is.
    """
    return await (await tx.execute(_NEXT, (lease.replay_id, limit))).fetchall()


async def take_entry(tx: Transaction, lease: Lease, entry_id: UUID) -> dict[str, Any] | None:
    """Mark the entry as replayed and return it; None if the replay holds it no more."""
    cursor = await tx.execute(_TAKE_ENTRY, (entry_id, lease.replay_id))
    return await cursor.fetchone()


async def open_again(tx: Transaction, lease: Lease, entry_id: UUID) -> None:
    """Let go of an entry that can not be sent."""
    await tx.execute(_OPEN_AGAIN, (entry_id, lease.replay_id))


async def state_of(tx: Transaction, entry_id: UUID) -> str | None:
    row = await (await tx.execute(_STATE, (entry_id,))).fetchone()
    return None if row is None else str(row["state"])


async def note(
    tx: Transaction, lease: Lease, outcomes: Sequence[tuple[int, str, str | None]]
) -> None:
    """Write down (position, outcome, detail), count, and finish the replay if nothing waits."""
    async with tx.cursor() as cursor:
        await cursor.executemany(
            _NOTE,
            [(outcome, detail, lease.replay_id, at) for at, outcome, detail in outcomes],
        )
    moved = sum(outcome == "moved" for _, outcome, _ in outcomes)
    failed = sum(outcome == "failed" for _, outcome, _ in outcomes)
    await tx.execute(_COUNT, {"id": lease.replay_id, "moved": moved, "failed": failed})
    await tx.execute(_FINISH, {"id": lease.replay_id})
