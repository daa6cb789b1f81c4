"""Who waits for what: the waiting documents, and the newest observation of the processor."""

from dataclasses import dataclass
from typing import Final

from psycopg.types.json import Jsonb

from docyard_common.database import Transaction
from docyard_common.events.observation import ProcessingObserved
from docyard_common.events.progress import DocumentView
from docyard_common.events.stages import Priority, Stage

_KEEP: Final = """
insert into observations (observed_at, data) values (%s, %s)
on conflict (id) do update set observed_at = excluded.observed_at, data = excluded.data
where observations.observed_at < excluded.observed_at
"""
_WAITING: Final = """
select waits_for, priority, count(*) as documents,
    extract(epoch from now() - min(waiting_since))::float8 as oldest_s
from documents where waits_for is not null and deleted_at is null and waiting_since <= now()
group by waits_for, priority
"""
_AHEAD: Final = """
select count(*) as documents from documents
where waits_for = %(stage)s and deleted_at is null
    and (priority = any(%(above)s) and waiting_since <= now()
        or priority = %(priority)s and waiting_since < %(since)s)
"""


@dataclass(frozen=True)
class Waiting:
    """Documents of one lane that wait for one stage, in Kafka or in the processor's table."""

    stage: Stage
    priority: Priority
    documents: int
    oldest_s: float


async def keep(tx: Transaction, observed: ProcessingObserved) -> None:
    """Keep *observed* unless a newer one is there."""
    await tx.execute(_KEEP, (observed.observed_at, Jsonb(observed.model_dump(mode="json"))))


async def newest(tx: Transaction) -> ProcessingObserved | None:
    """Return the newest observation; None before the first."""
    row = await (await tx.execute("select data from observations")).fetchone()
    return None if row is None else ProcessingObserved.model_validate(row["data"])


async def waiting(tx: Transaction) -> list[Waiting]:
    """Return how many documents are due and have not begun, by stage and lane."""
    rows = await (await tx.execute(_WAITING)).fetchall()
    return [
        Waiting(
            Stage(row["waits_for"]),
            Priority(row["priority"]),
            row["documents"],
            max(0.0, row["oldest_s"]),
        )
        for row in rows
    ]


async def ahead(tx: Transaction, view: DocumentView, priority: Priority) -> int:
    """Return how many documents come before one that waits: higher lanes, and its own by age.

    An upper bound for whom owners take turns with: those with less in hand come earlier.
    """
    lanes = list(Priority)
    parameters = {
        "stage": view.waits_for,
        "above": [lane.value for lane in lanes[: lanes.index(priority)]],
        "priority": priority,
        "since": view.waiting_since,
    }
    row = await (await tx.execute(_AHEAD, parameters)).fetchone()
    return int(row["documents"]) if row else 0
