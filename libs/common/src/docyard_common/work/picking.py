"""Picks due rows for free slots, renews their leases, and finds those whose worker is gone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from docyard_common.database.pool import Transaction
from docyard_common.delivery.ladder import Mode, mode_of_run
from docyard_common.events.stages import Priority, Stage
from docyard_common.kafka.received import ReceivedRecord
from docyard_common.work.model import Lease, Meter, WorkKey

# A row whose lease ran out is picked like any other: crash recovery needs nothing of its own.
# Within a lane the owner with the least in hand comes first, then who was served longest ago;
# `turn` ranks the rows of each owner.
# Owners are found by jumping through the index, so that thousands of rows of one owner cost no more
# than one. The spare rows are for those that another replica has locked a moment ago.
_PICK = """
with recursive owners as (
    (
        select distinct on (lane.place) lane.lane, lane.place, first.owner
        from unnest(%(lanes)s::text[]) with ordinality as lane (lane, place)
        cross join lateral (
            select owner from work
            where stage = %(stage)s and lane = lane.lane and state = 'waiting'
            order by owner limit 1
        ) as first
    )
    union all
    select owners.lane, owners.place, (
        select owner from work
        where stage = %(stage)s and lane = owners.lane and state = 'waiting'
            and owner > owners.owner
        order by owner limit 1
    )
    from owners where owners.owner is not null
), due as (
    select owners.place, owners.owner, found.at, found.waiting_since, found.memory_bytes,
        found.bulky,
        row_number() over (partition by owners.place, owners.owner order by waiting_since) as turn
    from owners
    cross join lateral (
        select ctid as at, waiting_since, memory_bytes, bulky from work
        where stage = %(stage)s and lane = owners.lane and owner = owners.owner
            and state = 'waiting' and due_at <= now() and (not bulky or %(bulky)s > 0)
            and (%(alone)s or memory_bytes <= %(memory)s)
            and (%(only)s::uuid is null or document_id = %(only)s)
        order by waiting_since limit %(spare)s
    ) as found
    where owners.owner is not null
    union all
    select array_position(%(lanes)s::text[], lane), owner, ctid, waiting_since, memory_bytes, bulky,
        0
    from work
    where stage = %(stage)s and lane = any(%(lanes)s) and (not bulky or %(bulky)s > 0)
        and state = 'running' and lease_until < now() and not cancelled
        and (%(alone)s or memory_bytes <= %(memory)s)
        and (%(only)s::uuid is null or document_id = %(only)s)
), busy as (
    select owner, count(*) as held from work
    where stage = %(stage)s and state = 'running' and lease_until >= now() group by owner
), turns as (
    select due.at, row_number() over in_turn as turn, sum(due.memory_bytes) over in_turn as memory,
        due.bulky, sum(due.bulky::int) over in_turn as bulky_so_far
    from due left join busy using (owner)
    window in_turn as (
        order by due.place, coalesce(busy.held, 0) + due.turn,
            coalesce(array_position(%(served)s::text[], due.owner), 0), due.waiting_since, due.at
        rows unbounded preceding
    )
    order by turn limit %(spare)s
), chosen as (
    select work.document_id, work.generation, work.stage
    from turns join work on work.ctid = turns.at
    where (work.state = 'waiting' or work.state = 'running' and work.lease_until < now())
        and (turns.memory <= %(memory)s or %(alone)s and turns.turn = 1)
        and (not turns.bulky or turns.bulky_so_far <= %(bulky)s)
    order by turns.turn limit %(limit)s
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

# The one that waits longest of those that need more than is free.
_TOO_LARGE = """
select document_id, generation, memory_bytes, count(*) over () as rows,
    extract(epoch from now() - greatest(waiting_since, due_at))::float8 as waited_s
from work
where stage = %(stage)s and lane = any(%(lanes)s) and (not bulky or %(bulky)s)
    and (state = 'waiting' and due_at <= now()
        or state = 'running' and lease_until < now() and not cancelled)
    and memory_bytes > %(memory)s
order by greatest(waiting_since, due_at) limit 1
"""

_SPARE = 16
_ALL = 1_000
"""More than there are slots."""

_SWEEP = "delete from work where state = 'running' and cancelled and lease_until < now()"


@dataclass(frozen=True)
class Room:
    """What may begin, by memory."""

    memory_bytes: int  # that all picked together may need
    alone: bool = False  # the first one may need more
    only: UUID | None = None  # nothing but this document


UNBOUNDED: Final = Room(memory_bytes=2**62)


@dataclass(frozen=True)
class TooLarge:
    """The due row that has waited longest of those that do not fit, and how many there are."""

    key: WorkKey
    memory_bytes: int
    waited_s: float
    rows: int


async def too_large(
    tx: Transaction, stage: Stage, lanes: Sequence[Priority], *, bulky: bool, memory_bytes: int
) -> TooLarge | None:
    """Return who waits for more than *memory_bytes*; None when nobody does."""
    parameters = {"stage": stage, "lanes": list(lanes), "bulky": bulky, "memory": memory_bytes}
    row = await (await tx.execute(_TOO_LARGE, parameters)).fetchone()
    if row is None:
        return None
    key = WorkKey(row["document_id"], row["generation"], stage)
    return TooLarge(key, row["memory_bytes"], row["waited_s"], row["rows"])


async def pick(  # noqa: PLR0913 - the terms of one query
    tx: Transaction,
    stage: Stage,
    lanes: Sequence[Priority],
    *,
    worker: str,
    lease_s: float,
    bulky: int = _ALL,
    limit: int = 1,
    served: Sequence[str] = (),
    room: Room = UNBOUNDED,
) -> list[Lease]:
    """Take up to *limit* due rows of *stage* for *worker*, the first of *lanes* first.

    Of owners with equally much in hand the one comes first that *served*, the owners picked before,
    names earliest or not at all: with a single slot, too, they take turns.

    Together they need no more than *room* has, and up to *bulky* of them are bulky.

    Each gets a lease of *lease_s* seconds and the next fence. A crash afterwards costs the lease.
    """
    parameters = {
        "stage": stage,
        "lanes": list(lanes),
        "bulky": bulky,
        "limit": limit,
        "spare": limit + _SPARE,
        "served": list(served),
        "lease_s": lease_s,
        "worker": worker,
        "memory": room.memory_bytes,
        "alone": room.alone,
        "only": room.only,
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
        media_type=row["media_type"],
        size_bytes=row["size_bytes"],
        memory_bytes=row["memory_bytes"],
        meter=Meter(mode=mode_of_run(Mode(row["mode"]), row["deliveries"])),
    )
