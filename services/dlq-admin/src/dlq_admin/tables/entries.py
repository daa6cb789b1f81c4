"""Reads entries: one, a page, their history."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from dlq_admin.domain.entries import EntryFilter
from docyard_common.database import Transaction

MATCHES: Final = """
    (%(stage)s::text is null or stage = %(stage)s)
    and (%(reason)s::text is null or reason = %(reason)s)
    and (%(states)s::text[] is null or state = any(%(states)s))
    and (%(since)s::timestamptz is null or last_failed_at >= %(since)s)
    and (%(until)s::timestamptz is null or last_failed_at <= %(until)s)
    and (%(document_id)s::uuid is null or document_id = %(document_id)s)
    and (%(owner)s::text is null or owner = %(owner)s)
    and (%(fingerprint)s::text is null or fingerprint = %(fingerprint)s)
    and (%(text)s::text is null or error_message ilike %(text)s or error_class ilike %(text)s)
"""
"""Condition of an EntryFilter over `entries`; its values come from `arguments`."""

_SUMMARY: Final = (
    "id, state, stage, reason, document_id, owner, fingerprint, error_class, error_message, "
    "attempt, trace_id, service_version, origin_topic, origin_partition, origin_offset, "
    "origin_group, count, replay_count, replay_id, replayed_at, settled_at, settled_by, "
    "settled_reason, first_failed_at, last_failed_at, expires_at"
)
_FOLLOWING: Final = f"""
where {MATCHES}
  and (%(at)s::timestamptz is null or (last_failed_at, id) < (%(at)s, %(id)s::uuid))
order by last_failed_at desc, id desc limit %(limit)s
"""
_PAGE = f"select {_SUMMARY} from entries {_FOLLOWING}"  # noqa: S608 - put together from constants
_WHOLE_PAGE = f"select * from entries {_FOLLOWING}"  # noqa: S608 - put together from constants
_ONE = """
select * from entries where id = %s and (%s::text is null or owner = %s)
"""
_LOCK = "select * from entries where id = %s for update"
_FAILURES = """
select 'dead_letter' as kind, attempt, reason, error_class, error_message, replay_id,
       failed_at as at, null as mode, null as next_mode, null::bigint as peak_memory_bytes
from failures where entry_id = %(id)s
union all
select 'retry', attempt, reason, '', message, null, at, mode, next_mode, peak_memory_bytes
from retries where document_id = %(document_id)s and stage = %(stage)s
order by at desc limit 200
"""
_LINEAGE = """
select i.replay_id, i.outcome, i.detail, i.result, i.at, r.actor, r.reason, r.created_at
from replay_items i join replays r on r.id = i.replay_id
where i.entry_id = %s order by r.created_at desc, i.replay_id limit 100
"""


def arguments(where: EntryFilter) -> dict[str, Any]:
    """Return the values of MATCHES."""
    return {
        "stage": where.stage,
        "reason": where.reason,
        "states": [state.value for state in where.states] or None,
        "since": where.since,
        "until": where.until,
        "document_id": where.document_id,
        "owner": where.owner,
        "fingerprint": where.fingerprint,
        "text": None if where.text is None else _pattern(where.text),
    }


async def page(
    tx: Transaction, where: EntryFilter, *, after: tuple[datetime, UUID] | None, limit: int
) -> list[dict[str, Any]]:
    """Return the newest *limit* entries that follow *after*, without values, headers and stacks."""
    return await (await tx.execute(_PAGE, _following(where, after, limit))).fetchall()


async def whole_page(
    tx: Transaction, where: EntryFilter, *, after: tuple[datetime, UUID] | None, limit: int
) -> list[dict[str, Any]]:
    """Return what `page` does, with values, headers and stacks: up to 2 MiB an entry."""
    return await (await tx.execute(_WHOLE_PAGE, _following(where, after, limit))).fetchall()


async def get(tx: Transaction, entry_id: UUID, *, owner: str | None) -> dict[str, Any] | None:
    """Return all of an entry; *owner* narrows it to that person's documents."""
    return await (await tx.execute(_ONE, (entry_id, owner, owner))).fetchone()


async def document_of(tx: Transaction, entry_id: UUID) -> UUID | None:
    """Return the document of an entry; None where either is unknown."""
    cursor = await tx.execute("select document_id from entries where id = %s", (entry_id,))
    row = await cursor.fetchone()
    return row["document_id"] if row else None


async def lock(tx: Transaction, entry_id: UUID) -> dict[str, Any] | None:
    """Return all of an entry, locked until the transaction ends."""
    return await (await tx.execute(_LOCK, (entry_id,))).fetchone()


async def history(tx: Transaction, entry: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the attempts of an entry, newest first: retries and deaths."""
    return await (await tx.execute(_FAILURES, entry)).fetchall()


async def lineage(tx: Transaction, entry_id: UUID) -> Sequence[dict[str, Any]]:
    """Return the replays that took an entry, newest first."""
    return await (await tx.execute(_LINEAGE, (entry_id,))).fetchall()


def _following(
    where: EntryFilter, after: tuple[datetime, UUID] | None, limit: int
) -> dict[str, Any]:
    at, entry_id = after or (None, None)
    return arguments(where) | {"at": at, "id": entry_id, "limit": limit}


def _pattern(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
    return f"%{escaped}%"
