"""Picks due rows for free slots, renews their leases, and finds those whose worker is gone."""

from collections.abc import Sequence
from typing import Any

from docyard_common.database.pool import Transaction
from docyard_common.delivery.ladder import Mode, mode_of_run
from docyard_common.events.stages import Priority, Stage
from docyard_common.kafka.received import ReceivedRecord
from docyard_common.work.model import Lease, Meter, WorkKey

# A row whose lease ran out is picked like any other: crash recovery needs nothing of its own.
# Within a lane the owner with the least in hand comes first; `turn` ranks each owner's own rows.
_PICK = """
with due as (
    select document_id, generation, lane, owner, waiting_since,
        row_number() over (partition by lane, owner order by waiting_since) as turn
    from work
    where stage = %(stage)s and lane = any(%(lanes)s) and (not bulky or %(bulky)s)
        and (state = 'waiting' and due_at <= now()
            or state = 'running' and lease_until < now() and not cancelled)
), busy as (
    select owner, count(*) as held from work
    where stage = %(stage)s and state = 'running' and lease_until >= now() group by owner
), chosen as (
    select work.document_id, work.generation, work.stage, work.waiting_since
    from work
    join due using (document_id, generation)
    left join busy on busy.owner = work.owner
    where work.stage = %(stage)s
        and (work.state = 'waiting' or work.lease_until < now() and not work.cancelled)
        and work.state <> 'dead'
    order by array_position(%(lanes)s::text[], work.lane),
        coalesce(busy.held, 0) + due.turn, due.waiting_since
    limit %(limit)s
    for update of work skip locked
)
update work set state = 'running', fence = work.fence + 1, deliveries = work.deliveries + 1,
    lease_until = now() + %(lease_s)s * interval '1 second', worker = %(worker)s,
    started_at = now()
from chosen
where work.document_id = chosen.document_id and work.generation = chosen.generation
    and work.stage = chosen.stage
returning work.*,
    extract(epoch from now() - greatest(work.waiting_since, work.due_at))::float8 as waited_s
"""

# Locked in the order of their keys, as settlements do: neither waits for the other in a ring.
_RENEW = """
with mine as (
    select work.document_id, work.generation, work.stage
    from work
    join unnest(%s::uuid[], %s::int[], %s::text[], %s::int[])
        as held (document_id, generation, stage, fence)
        using (document_id, generation, stage, fence)
    where work.state = 'running' and not work.cancelled
    order by work.document_id, work.generation, work.stage collate "C"
    for update of work
)
update work set lease_until = now() + %s * interval '1 second'
from mine
where work.document_id = mine.document_id and work.generation = mine.generation
    and work.stage = mine.stage
returning work.document_id, work.generation, work.stage
"""

_SWEEP = "delete from work where state = 'running' and cancelled and lease_until < now()"


async def pick(  # noqa: PLR0913 - the terms of one query
    tx: Transaction,
    stage: Stage,
    lanes: Sequence[Priority],
    *,
    worker: str,
    lease_s: float,
    bulky: bool = True,
    limit: int = 1,
) -> list[Lease]:
    """Take up to *limit* due rows of *stage* for *worker*, the first of *lanes* first.

    Each gets a lease of *lease_s* seconds and the next fence. A crash afterwards costs the lease.
    """
    parameters = {
        "stage": stage,
        "lanes": list(lanes),
        "bulky": bulky,
        "limit": limit,
        "lease_s": lease_s,
        "worker": worker,
    }
    cursor = await tx.execute(_PICK, parameters)
    return [_lease(row) for row in await cursor.fetchall()]


async def renew(tx: Transaction, leases: Sequence[Lease], *, lease_s: float) -> list[Lease]:
    """Extend *leases*; return those that are lost: taken over, cancelled or finished."""
    keys = [lease.key for lease in leases]
    parameters = (
        [key.document_id for key in keys],
        [key.generation for key in keys],
        [key.stage.value for key in keys],
        [lease.fence for lease in leases],
        lease_s,
    )
    cursor = await tx.execute(_RENEW, parameters)
    kept = {
        WorkKey(row["document_id"], row["generation"], Stage(row["stage"]))
        for row in await cursor.fetchall()
    }
    return [lease for lease in leases if lease.key not in kept]


async def sweep_cancelled(tx: Transaction) -> int:
    """Remove cancelled rows whose worker did not come back to do it; return how many."""
    return (await tx.execute(_SWEEP)).rowcount


def _lease(row: dict[str, Any]) -> Lease:
    names = [name.decode() for name in row["header_names"]]
    headers = tuple(zip(names, row["header_values"], strict=True))
    record = ReceivedRecord(
        topic=row["topic"],
        partition=row["partition"],
        offset=row["offset"],
        timestamp_ms=row["timestamp_ms"],
        key=row["key"],
        value=row["value"],
        headers=headers,
    )
    return Lease(
        key=WorkKey(row["document_id"], row["generation"], Stage(row["stage"])),
        lane=Priority(row["lane"]),
        owner=row["owner"],
        bulky=row["bulky"],
        fence=row["fence"],
        attempt=row["attempt"],
        deliveries=row["deliveries"],
        started_at=row["started_at"],
        waited_s=max(0.0, row["waited_s"]),
        first_failed_at=row["first_failed_at"],
        record=record,
        worker=row["worker"],
        meter=Meter(mode=mode_of_run(Mode(row["mode"]), row["deliveries"])),
    )
