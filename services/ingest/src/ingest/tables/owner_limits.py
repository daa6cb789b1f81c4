"""The tables `owner_limits` and `limit_changes`: what operators set for one owner, and who did."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg.types.json import Jsonb

from docyard_common.database import Transaction

_SET: Final = """
insert into owner_limits (owner, overrides, changed_at, changed_by)
values (%(owner)s, %(after)s, %(at)s, %(actor)s)
on conflict (owner) do update set overrides = excluded.overrides,
    changed_at = excluded.changed_at, changed_by = excluded.changed_by
"""
_RECORD: Final = """
insert into limit_changes (owner, at, actor, before, after)
values (%(owner)s, %(at)s, %(actor)s, %(before)s, %(after)s)
"""
_CHANGES: Final = """
select id, at, actor, before, after from limit_changes
where owner = %(owner)s and (%(before_id)s::bigint is null or id < %(before_id)s)
order by id desc limit %(limit)s
"""


@dataclass(frozen=True)
class LimitChange:
    """One change; None stands for the defaults."""

    change_id: int
    at: datetime
    actor: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


async def find(tx: Transaction, owner: str) -> dict[str, Any] | None:
    """Return what is set for *owner*; None where the defaults hold."""
    cursor = await tx.execute("select overrides from owner_limits where owner = %s", (owner,))
    row = await cursor.fetchone()
    return None if row is None else row["overrides"]


async def change(
    tx: Transaction, owner: str, after: dict[str, Any] | None, *, actor: str, at: datetime
) -> None:
    """Set *after* for *owner*, None for the defaults, and record the change; no change, no record.

    Waits for a concurrent change of the same owner, so that the records form a chain.
    """
    await tx.execute("select pg_advisory_xact_lock(hashtextextended('limits:' || %s, 0))", (owner,))
    before = await find(tx, owner)
    if before == after:
        return
    parameters = {
        "owner": owner,
        "at": at,
        "actor": actor,
        "before": _json(before),
        "after": _json(after),
    }
    if after is None:
        await tx.execute("delete from owner_limits where owner = %s", (owner,))
    else:
        await tx.execute(_SET, parameters)
    await tx.execute(_RECORD, parameters)


async def changes(
    tx: Transaction, owner: str, *, before_id: int | None, limit: int
) -> list[LimitChange]:
    """Return up to *limit* changes of *owner* older than *before_id*, newest first."""
    cursor = await tx.execute(_CHANGES, {"owner": owner, "before_id": before_id, "limit": limit})
    return [
        LimitChange(row["id"], row["at"], row["actor"], row["before"], row["after"])
        for row in await cursor.fetchall()
    ]


def _json(value: dict[str, Any] | None) -> Jsonb | None:
    return None if value is None else Jsonb(value)
