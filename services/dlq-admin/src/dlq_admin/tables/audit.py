"""The audit log: who did what to which dead letters, and why. The database refuses to change it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from psycopg.types.json import Jsonb

from docyard_common.database import Transaction

_ADD = """
insert into audit (actor, request_id, operation, selector, counts, reason)
values (%s, %s, %s, %s, %s, %s)
"""
_PAGE = """
select id, at, actor, request_id, operation, selector, counts, reason from audit
where (%(before)s::bigint is null or id < %(before)s)
  and (%(actor)s::text is null or actor = %(actor)s)
  and (%(operation)s::text is null or operation = %(operation)s)
order by id desc limit %(limit)s
"""


@dataclass(frozen=True)
class Deed:
    """What somebody did; written in the same transaction as what it did."""

    actor: str
    operation: str
    selector: Mapping[str, Any]
    request_id: str | None = None
    counts: Mapping[str, Any] = field(default_factory=dict)
    reason: str | None = None


async def add(tx: Transaction, deed: Deed) -> None:
    await tx.execute(
        _ADD,
        (
            deed.actor,
            deed.request_id,
            deed.operation,
            Jsonb(dict(deed.selector)),
            Jsonb(dict(deed.counts)),
            deed.reason,
        ),
    )


async def page(
    tx: Transaction,
    *,
    before: int | None,
    limit: int,
    actor: str | None = None,
    operation: str | None = None,
) -> list[dict[str, Any]]:
    """Return the newest *limit* deeds with ids below *before*."""
    values = {"before": before, "limit": limit, "actor": actor, "operation": operation}
    return await (await tx.execute(_PAGE, values)).fetchall()
