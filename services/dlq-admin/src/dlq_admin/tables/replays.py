"""Replays as resources: their selection, their status, their items."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from dlq_admin.domain.entries import EntryState
from dlq_admin.domain.replays import TARGET, Candidate, ReplayOrder, ReplayStatus
from dlq_admin.tables.entries import MATCHES, arguments
from docyard_common.database import Transaction

_BY_IDS = "select id from entries where id = any(%(ids)s)"
_BY_FILTER = f"""
select id from entries where {MATCHES} and last_failed_at <= %(bound)s
order by state <> 'open', last_failed_at, id limit %(max)s
"""  # noqa: S608 - put together from constants
# Locked in the order in which everybody touches documents, so that nobody waits in a circle.
_LOCKED = """
select id, state, fingerprint, stage, reason from entries where id = any(%s)
order by document_id nulls first, id for update
"""
_READ = "select id, state, fingerprint, stage, reason from entries where id = any(%s)"
_CLAIM = "update entries set state = 'replaying', replay_id = %s where id = any(%s)"
_INSERT = """
insert into replays (id, status, selector, target, reason, actor, dry_run, rate_per_s, matched,
    moved, skipped, preview, from_stage, idempotency_key, request_hash, started_at, finished_at)
values (%(id)s, %(status)s, %(selector)s, %(target)s, %(reason)s, %(actor)s, %(dry_run)s,
    %(rate)s, %(matched)s, %(moved)s, %(skipped)s, %(preview)s, %(from_stage)s, %(key)s, %(hash)s,
    case when %(finished)s then now() end, case when %(finished)s then now() end)
returning *
"""
_ADD_ITEMS = """
insert into replay_items (replay_id, position, entry_id, outcome, detail, at)
select %s, position, entry_id, outcome, detail,
       case when outcome = 'waiting' then null else now() end
from unnest(%s::uuid[], %s::text[], %s::text[])
     with ordinality as i (entry_id, outcome, detail, position)
"""
_BY_KEY = """
select * from replays where actor = %s and idempotency_key = %s
"""
_KEY_LOCK = "select pg_advisory_xact_lock(hashtextextended(%s, 4))"
_ONE = "select * from replays where id = %s"
_ONE_LOCKED = "select * from replays where id = %s for update"
_PAGE = """
select * from replays
where (%(at)s::timestamptz is null or (created_at, id) < (%(at)s, %(id)s::uuid))
  and (%(status)s::text is null or status = %(status)s)
order by created_at desc, id desc limit %(limit)s
"""
_ITEMS = """
select i.position, i.entry_id, i.outcome, i.detail, i.result, i.at, e.state as entry_state
from replay_items i left join entries e on e.id = i.entry_id
where i.replay_id = %(id)s and i.position > %(after)s
  and (%(outcome)s::text is null or i.outcome = %(outcome)s)
order by i.position limit %(limit)s
"""
_SET_STATUS = """
update replays set status = %(status)s, lease_owner = null, lease_until = null,
    finished_at = case when %(final)s then now() else finished_at end
where id = %(id)s returning *
"""
_DROP_WAITING = """
update replay_items set outcome = 'skipped', detail = 'cancelled', at = now()
where replay_id = %s and outcome = 'waiting'
"""
_COUNT_CANCELLED = """
update replays set skipped = skipped || jsonb_build_object('cancelled', %s::integer) where id = %s
"""
_RELEASE = "update entries set state = 'open' where replay_id = %s and state = 'replaying'"


async def candidates(tx: Transaction, order: ReplayOrder, *, bound: datetime) -> list[Candidate]:
    """Return what *order* matches, entries that failed after *bound* left out.

    Locks them unless it is a dry run, so that of two orders only one finds an entry open.
    """
    selection = order.selection
    if selection.entry_ids:
        found = await tx.execute(_BY_IDS, {"ids": list(selection.entry_ids)})
    else:
        values = arguments(selection.where) | {"bound": bound, "max": order.max_entries}
        found = await tx.execute(_BY_FILTER, values)
    ids = [row["id"] for row in await found.fetchall()][: order.max_entries]
    cursor = await tx.execute(_READ if order.dry_run else _LOCKED, (ids,))
    return [
        Candidate(
            row["id"], EntryState(row["state"]), row["fingerprint"], row["stage"], row["reason"]
        )
        for row in await cursor.fetchall()
    ]


async def claim(tx: Transaction, replay_id: UUID, entry_ids: Sequence[UUID]) -> None:
    """Let the replay hold entries that `candidates` has locked."""
    await tx.execute(_CLAIM, (replay_id, list(entry_ids)))


async def add(
    tx: Transaction,
    replay_id: UUID,
    order: ReplayOrder,
    *,
    status: ReplayStatus,
    counts: Mapping[str, Any],
) -> dict[str, Any]:
    """Make the replay; *counts* are `matched`, `skipped`, and `moved` and `preview` if any."""
    preview = counts.get("preview")
    values = {
        "id": replay_id,
        "status": status.value,
        "selector": Jsonb(dict(order.selection.described)),
        "target": TARGET,
        "reason": order.reason,
        "actor": order.actor,
        "dry_run": order.dry_run,
        "rate": order.rate_per_s,
        "matched": counts["matched"],
        "moved": counts.get("moved", 0),
        "skipped": Jsonb(counts["skipped"]),
        "preview": None if preview is None else Jsonb(preview),
        "from_stage": order.from_stage,
        "key": order.idempotency_key,
        "hash": order.request_hash if order.idempotency_key else None,
        "finished": status.is_final,
    }
    row = await (await tx.execute(_INSERT, values)).fetchone()
    assert row is not None  # noqa: S101 - an insert returns its row
    return row


async def add_items(
    tx: Transaction, replay_id: UUID, items: Sequence[tuple[UUID, str, str | None]]
) -> None:
    """Add (entry, outcome, detail) in this order."""
    columns = [list(column) for column in zip(*items, strict=True)] or [[], [], []]
    await tx.execute(_ADD_ITEMS, (replay_id, *columns))


async def by_key(tx: Transaction, actor: str, key: str) -> dict[str, Any] | None:
    """Return the replay made under an idempotency key; the same key waits for this transaction."""
    await tx.execute(_KEY_LOCK, (f"{actor}\x1f{key}",))
    return await (await tx.execute(_BY_KEY, (actor, key))).fetchone()


async def get(tx: Transaction, replay_id: UUID, *, lock: bool = False) -> dict[str, Any] | None:
    return await (await tx.execute(_ONE_LOCKED if lock else _ONE, (replay_id,))).fetchone()


async def page(
    tx: Transaction, *, after: tuple[datetime, UUID] | None, limit: int, status: str | None
) -> list[dict[str, Any]]:
    """Return the newest *limit* replays that follow *after*."""
    at, replay_id = after or (None, None)
    values = {"at": at, "id": replay_id, "limit": limit, "status": status}
    return await (await tx.execute(_PAGE, values)).fetchall()


async def items(
    tx: Transaction, replay_id: UUID, *, after: int, limit: int, outcome: str | None
) -> list[dict[str, Any]]:
    """Return what became of each entry, in the order of the replay, from position *after* on."""
    values = {"id": replay_id, "after": after, "limit": limit, "outcome": outcome}
    return await (await tx.execute(_ITEMS, values)).fetchall()


async def set_status(tx: Transaction, replay_id: UUID, status: ReplayStatus) -> dict[str, Any]:
    """Change the status; whoever holds the lease loses it."""
    values = {"id": replay_id, "status": status.value, "final": status.is_final}
    row = await (await tx.execute(_SET_STATUS, values)).fetchone()
    assert row is not None  # noqa: S101 - the caller holds its lock
    return row


async def release(tx: Transaction, replay_id: UUID) -> int:
    """Give back what has not been sent; return how many."""
    dropped = (await tx.execute(_DROP_WAITING, (replay_id,))).rowcount
    await tx.execute(_COUNT_CANCELLED, (dropped, replay_id))
    await tx.execute(_RELEASE, (replay_id,))
    return dropped
