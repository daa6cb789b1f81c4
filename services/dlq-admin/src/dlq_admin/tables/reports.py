"""Counts over entries: groups by fingerprint, and figures for dashboards."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from dlq_admin.domain.entries import EntryFilter
from dlq_admin.tables.entries import MATCHES, arguments
from docyard_common.database import Transaction

TREND_HOURS = 24

_GROUPS = f"""
select fingerprint, stage, reason, count(*) as count, sum(count)::bigint as failures,
       min(first_failed_at) as first_seen, max(last_failed_at) as last_seen,
       (array_agg(error_class order by last_failed_at desc))[1] as error_class,
       (array_agg(error_message order by last_failed_at desc))[1] as error_message
from entries where {MATCHES}
group by fingerprint, stage, reason
having %(at)s::timestamptz is null
    or (max(last_failed_at), fingerprint, stage, reason)
        < (%(at)s, %(after_fingerprint)s, %(after_stage)s, %(after_reason)s)
order by last_seen desc, fingerprint desc, stage desc, reason desc limit %(limit)s
"""  # noqa: S608 - put together from constants
_TREND = """
select f.fingerprint, f.stage, f.reason,
       floor(extract(epoch from %(now)s - f.failed_at) / 3600)::integer as hours_ago,
       count(*) as count
from failures f join entries e on e.id = f.entry_id
where f.failed_at > %(now)s - make_interval(hours => %(hours)s) and f.failed_at <= %(now)s
  and f.fingerprint = any(%(fingerprints)s) and (%(owner)s::text is null or e.owner = %(owner)s)
group by 1, 2, 3, 4
"""
_BY_STATE = """
select stage, reason, state, count(*) as count, min(first_failed_at) as oldest,
       count(*) filter (where expires_at < %(soon)s) as expiring
from entries group by stage, reason, state
"""
_ARRIVALS = """
select count(*) filter (where failed_at > %(hour)s) as last_hour, count(*) as last_day
from failures where failed_at > %(day)s
"""
_AFTER_REPLAY = """
select count(*) as replayed, count(*) filter (where result = 'failed_again') as failed_again,
       count(*) filter (where result = 'resolved') as resolved
from replay_items where outcome = 'moved'
"""
_AWAITING = """
select count(*) as count, min(replayed_at) as oldest from entries where state = 'replayed'
"""


async def groups(
    tx: Transaction,
    where: EntryFilter,
    *,
    after: tuple[datetime, Sequence[str]] | None,
    limit: int,
) -> list[dict[str, Any]]:
    """Return failures of one cause together, the newest first; *after* is the last one's key."""
    at, keys = after or (None, (None, None, None))
    names = ("after_fingerprint", "after_stage", "after_reason")
    values = arguments(where) | dict(zip(names, keys, strict=True)) | {"at": at, "limit": limit}
    return await (await tx.execute(_GROUPS, values)).fetchall()


async def trends(
    tx: Transaction, fingerprints: Sequence[str], *, owner: str | None, now: datetime
) -> dict[tuple[str, str, str], list[int]]:
    """Return deaths per hour of the last 24, oldest first, by (fingerprint, stage, reason)."""
    cursor = await tx.execute(
        _TREND,
        {"fingerprints": list(fingerprints), "owner": owner, "now": now, "hours": TREND_HOURS},
    )
    found: dict[tuple[str, str, str], list[int]] = {}
    for row in await cursor.fetchall():
        key = (row["fingerprint"], row["stage"], row["reason"])
        hours = found.setdefault(key, [0] * TREND_HOURS)
        hours[TREND_HOURS - 1 - min(row["hours_ago"], TREND_HOURS - 1)] += row["count"]
    return found


async def by_state(tx: Transaction, *, soon: datetime) -> list[dict[str, Any]]:
    """Return counts by stage, reason and state; `expiring` are those that expire before *soon*."""
    return await (await tx.execute(_BY_STATE, {"soon": soon})).fetchall()


async def arrivals(tx: Transaction, *, hour: datetime, day: datetime) -> dict[str, Any]:
    """Return how many died since *hour* and since *day*."""
    return await _row(tx, _ARRIVALS, {"hour": hour, "day": day})


async def after_replay(tx: Transaction) -> dict[str, Any]:
    """Return what became of all that was ever replayed."""
    return await _row(tx, _AFTER_REPLAY, {})


async def awaiting(tx: Transaction) -> dict[str, Any]:
    """Return how many were replayed and have not been heard of since, and the oldest."""
    return await _row(tx, _AWAITING, {})


async def _row(tx: Transaction, query: str, values: dict[str, Any]) -> dict[str, Any]:
    row = await (await tx.execute(query, values)).fetchone()
    return row or {}
