"""Owners take turns, however much one of them has sent: the property, and a flood."""

import asyncio
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.integration.work.orders import MIGRATIONS, SCHEMA, order

from docyard_common.database import Database, migrate
from docyard_common.events.stages import Priority, Stage
from docyard_common.settings import DatabaseSettings
from docyard_common.work import intake, picking, settling
from docyard_common.work.model import Lease, WorkOrder

pytestmark = pytest.mark.integration
LANES = tuple(Priority)
COUNTS = st.dictionaries(
    st.sampled_from(["ann", "bob", "cid", "dan"]), st.integers(1, 12), min_size=1
)


async def take(database: Database, orders: list[WorkOrder]) -> None:
    async with database.transaction() as tx:
        await intake.take(tx, orders)


async def pick(database: Database, *, served: Sequence[str] = ()) -> Lease | None:
    async with database.autocommit() as tx:
        found = await picking.pick(
            tx, Stage.VALIDATE, LANES, worker="w", lease_s=300, served=served
        )
    return found[0] if found else None


async def finish(database: Database, lease: Lease) -> None:
    async with database.transaction() as tx:
        (await settling.remove(tx, lease)).confirm()


async def test_the_second_owner_waits_for_one_turn_behind_a_flood(database: Database) -> None:
    await take(database, [order(owner="ann") for _ in range(1_500)])
    await take(database, [order(owner="bob") for _ in range(3)])

    owners: list[str] = []
    for _ in range(6):
        lease = await pick(database, served=sorted(set(owners[-2:]), key=owners[-2:].index))
        assert lease is not None
        owners.append(lease.owner)
        await finish(database, lease)

    assert owners == ["ann", "bob", "ann", "bob", "ann", "bob"]


async def test_slots_are_shared_evenly_while_a_flood_waits(database: Database) -> None:
    await take(database, [order(owner="ann") for _ in range(300)])
    await take(database, [order(owner=name) for name in ("bob", "cid") for _ in range(5)])

    held = [await pick(database) for _ in range(6)]

    assert Counter(lease.owner for lease in held if lease) == {"ann": 2, "bob": 2, "cid": 2}


async def test_a_row_of_a_dead_worker_is_picked_though_its_owner_waits_for_nothing(
    database: Database,
) -> None:
    await take(database, [order(owner="ann")])
    first = await pick(database)
    async with database.transaction() as tx:
        await tx.execute("update work set lease_until = now() - interval '1 s'")

    again = await pick(database)

    assert first is not None
    assert again is not None
    assert again.fence > first.fence


async def test_two_replicas_that_pick_at_once_get_different_rows(database: Database) -> None:
    await take(database, [order(owner="ann") for _ in range(20)])

    found = await asyncio.gather(*(pick(database) for _ in range(5)))

    keys = {lease.key for lease in found if lease}
    assert len(keys) == 5


def test_while_owners_wait_none_holds_two_more_than_another(
    database_settings: DatabaseSettings,
) -> None:
    """For any numbers of documents: who still waits never holds two fewer than anybody else."""
    with asyncio.Runner() as runner:
        runner.run(migrate(database_settings, schema=SCHEMA, locations=MIGRATIONS))
        database = Database(database_settings, schema=SCHEMA, application_name="test")
        runner.run(database.open())

        @settings(max_examples=15, suppress_health_check=list(HealthCheck))
        @given(counts=COUNTS, slots=st.integers(1, 8))
        def holds(counts: dict[str, int], slots: int) -> None:
            runner.run(_is_fair(database, counts, slots))

        holds()
        runner.run(database.close())


async def _is_fair(database: Database, counts: dict[str, int], slots: int) -> None:
    async with database.transaction() as tx:
        await tx.execute("truncate work, stage_runs")
    await take(database, [order(owner=name) for name, n in counts.items() for _ in range(n)])
    left, held = Counter(counts), Counter[str]()
    for _ in range(min(slots, sum(counts.values()))):
        lease = await pick(database)
        assert lease is not None
        left[lease.owner] -= 1
        held[lease.owner] += 1
        waiting = [name for name in counts if left[name] > 0]
        assert all(max(held.values()) - held[name] <= 1 for name in waiting), (counts, held)
