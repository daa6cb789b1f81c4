"""The tables `retention` and `erasures`: how long things are kept, and what was erased by whom."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from docyard_common.database import Transaction

_TERMS: Final = """
select documents_days, originals_days, artifacts_days, events_days from retention where owner = %s
"""
_SET: Final = """
insert into retention (owner, documents_days, originals_days, artifacts_days, events_days,
    changed_at, changed_by)
values (%(owner)s, %(documents_days)s, %(originals_days)s, %(artifacts_days)s, %(events_days)s,
    %(at)s, %(by)s)
on conflict (owner) do update set documents_days = excluded.documents_days,
    originals_days = excluded.originals_days, artifacts_days = excluded.artifacts_days,
    events_days = excluded.events_days, changed_at = excluded.changed_at,
    changed_by = excluded.changed_by
"""
# What is set for an owner goes before the default; a row whose column is null keeps for ever.
_DUE: Final = """
select d.document_id, d.owner from documents d left join retention r on r.owner = d.owner
where d.completed_at is not null and d.deleted_at is null and {condition}
    and d.completed_at < %(now)s - make_interval(days => {days})
"""
# The term is every owner's own where there is no default: only theirs are read.
_DUE_BY_OWNER: Final = """
select d.document_id, d.owner from retention r cross join lateral (
    select d.document_id, d.owner, d.completed_at from documents d
    where d.owner = r.owner and d.completed_at is not null and d.deleted_at is null and {condition}
        and d.completed_at < %(now)s - make_interval(days => r.{column})
    order by d.completed_at limit %(limit)s
) d where r.{column} is not null
"""
_IS_SET: Final = "select from retention where {column} is not null limit 1"
# No index knows the term of an owner: it is looked in up to the shortest of all.
_SHORTEST: Final = """
and d.completed_at < %(now)s - make_interval(
    days => least(%(default)s::int, (select min({column}) from retention))
)
"""
_OLDEST: Final = "order by d.completed_at limit %(limit)s"
_ONE: Final = "and d.document_id = %(document_id)s"
_DAYS: Final = "case when r.owner is null then %(default)s::int else r.{column} end"
_CONDITIONS: Final = {
    "documents_days": "true",
    "originals_days": "d.original_removed_at is null",
    "artifacts_days": "d.artifacts_removed_generation < greatest(d.generation, 1)",
    "events_days": "exists (select from document_events e where e.document_id = d.document_id)",
}
_SHARED: Final = """
select from documents other
where other.object_key = %s and other.document_id <> %s and other.deleted_at is null
    and other.original_removed_at is null limit 1
"""
_NOTE: Final = """
insert into erasures (at, actor, what, owner, document_id, detail) values (%s, %s, %s, %s, %s, %s)
"""
_PAGE: Final = """
select id, at, actor, what, owner, document_id, detail from erasures
where (%(owner)s::text is null or owner = %(owner)s) and (%(before)s::bigint is null
    or id < %(before)s)
order by id desc limit %(limit)s
"""


@dataclass(frozen=True)
class Terms:
    """Days after its end that a document's parts are kept; None keeps them until it is deleted."""

    documents_days: int | None = None
    originals_days: int | None = None
    artifacts_days: int | None = None
    events_days: int | None = None


async def terms(tx: Transaction, owner: str) -> Terms | None:
    """Return what is set for *owner*; None where the defaults hold."""
    row = await (await tx.execute(_TERMS, (owner,))).fetchone()
    return None if row is None else Terms(**row)


async def set_terms(tx: Transaction, owner: str, wanted: Terms, *, by: str, at: datetime) -> None:
    """Replace what is set for *owner*."""
    await tx.execute(_SET, {"owner": owner, "by": by, "at": at, **asdict(wanted)})


async def unset_terms(tx: Transaction, owner: str) -> None:
    """Give *owner* the defaults again. Idempotent."""
    await tx.execute("delete from retention where owner = %s", (owner,))


async def due(
    tx: Transaction, column: str, *, default: int | None, now: datetime, limit: int
) -> list[tuple[UUID, str]]:
    """Return documents (and their owners) whose term *column* has passed, the oldest first.

    Where it is set for nobody, no document is read.
    """
    if default is not None:
        statement = _due(column) + _SHORTEST.format(column=column)
    elif (await tx.execute(_IS_SET.format(column=column))).rowcount:
        statement = _DUE_BY_OWNER.format(column=column, condition=_CONDITIONS[column])
    else:
        return []
    cursor = await tx.execute(statement + _OLDEST, {"default": default, "now": now, "limit": limit})
    return [(row["document_id"], row["owner"]) for row in await cursor.fetchall()]


async def is_due(
    tx: Transaction, document_id: UUID, column: str, *, default: int | None, now: datetime
) -> bool:
    """Whether `due` would return the document. The caller holds its lock, so that it stays so."""
    told = {"document_id": document_id, "default": default, "now": now}
    return (await tx.execute(_due(column) + _ONE, told)).rowcount > 0


def _due(column: str) -> str:
    return _DUE.format(condition=_CONDITIONS[column], days=_DAYS.format(column=column))


async def shares_bytes(tx: Transaction, document_id: UUID, object_key: str) -> bool:
    """Whether another document still needs the bytes under *object_key*."""
    return (await tx.execute(_SHARED, (object_key, document_id))).rowcount > 0


async def mark_original_removed(tx: Transaction, document_id: UUID, *, at: datetime) -> None:
    """Remember that the document's bytes are gone, while what was made of them stays."""
    await tx.execute(
        "update documents set original_removed_at = %s where document_id = %s", (at, document_id)
    )


async def mark_artifacts_removed(tx: Transaction, document_id: UUID, *, generation: int) -> None:
    """Remember that what was made of the document up to *generation* is gone for its readers."""
    await tx.execute(
        "update documents set artifacts_removed_generation = %s where document_id = %s",
        (generation, document_id),
    )


async def remove_events(tx: Transaction, document_id: UUID) -> int:
    """Remove the history of a document; return how many facts that were."""
    statement = "delete from document_events where document_id = %s"
    return (await tx.execute(statement, (document_id,))).rowcount


async def note(  # noqa: PLR0913 - the columns of one line
    tx: Transaction,
    what: str,
    *,
    at: datetime,
    actor: str,
    owner: str,
    document_id: UUID | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """Add a line to the audit of erasures; lines are never changed."""
    await tx.execute(_NOTE, (at, actor, what, owner, document_id, Jsonb(detail or {})))


async def page(
    tx: Transaction, *, owner: str | None, before: int | None, limit: int
) -> list[dict[str, Any]]:
    """Return lines of the audit, newest first."""
    cursor = await tx.execute(_PAGE, {"owner": owner, "before": before, "limit": limit})
    return await cursor.fetchall()
