"""A stage that can not pick has no memory kept for it: the others go on."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from tests.integration.work.orders import order
from tests.waiting import eventually

from docyard_common.database import Database
from docyard_common.delivery.outcome import Paused
from docyard_common.delivery.retry import RetryPolicy
from docyard_common.events.stages import Priority, Stage
from docyard_common.ids import uuid7
from docyard_common.outbox import Outbox
from docyard_common.work import intake, picking
from docyard_common.work.model import Lease, WorkKey
from processor.heartbeat import Heartbeat
from processor.holds import Holds
from processor.load import Load
from processor.memory import Memory
from processor.reuse.recipe import Recipes
from processor.runner import Runner
from processor.settings import ProcessorSettings, SlotSettings
from processor.settle import Settlement
from processor.slots import Slots

pytestmark = pytest.mark.integration
MIB = 1024 * 1024


@dataclass(frozen=True)
class Replica:
    """The slots of extract, and what they ask."""

    slots: Slots
    holds: Holds
    memory: Memory
    running: Lease

    async def room(self) -> int:
        """Return what another stage may begin, in MiB."""
        async with self.memory.room(Stage.INDEX) as room:
            return room.memory_bytes // MIB


@pytest.fixture
async def replica(database: Database) -> AsyncIterator[Replica]:
    """Of 1,000 MiB 500 are in use, and extract waits for 900."""
    holds = Holds(Stage, database=database)
    memory = Memory(budget_bytes=1000 * MIB, limit_bytes=2048 * MIB, patience_s=0)
    recipes = Recipes.of_settings(ProcessorSettings())
    settlement = Settlement(database=database, outbox=Outbox(source="test"), recipes=recipes)
    slots = Slots(
        Stage.EXTRACT,
        settings=SlotSettings(),
        worker="w",
        database=database,
        runner=Runner(
            work={}, settlement=settlement, retry=RetryPolicy(), max_deliveries=5, limit_s=3600
        ),
        settlement=settlement,
        heartbeat=Heartbeat(database=database, lease_s=30),
        holds=holds,
        load=Load(throttle=0.8),
        memory=memory,
    )
    async with database.transaction() as tx:
        await intake.take(tx, [order(memory_bytes=500 * MIB)])
        await intake.take(tx, [order(stage=Stage.EXTRACT, memory_bytes=900 * MIB)])
        (running,) = await picking.pick(tx, Stage.VALIDATE, tuple(Priority), worker="w", lease_s=60)
    memory.begin([running])
    picking_on = asyncio.create_task(slots.run())
    yield Replica(slots, holds, memory, running)
    picking_on.cancel()
    with suppress(asyncio.CancelledError):
        await picking_on
    await slots.stop()


async def stopped(replica: Replica, database: Database) -> None:
    async with database.transaction() as tx:
        await tx.execute("insert into stopped_stages (stage, reason) values ('extract', 'a test')")
    await replica.holds.load()


async def paused(replica: Replica, database: Database) -> None:
    del database
    await replica.holds.set_slots(Stage.EXTRACT, 0, by="olga")
    await replica.holds.load()


async def away(replica: Replica, database: Database) -> None:
    async with database.transaction() as tx:
        await tx.execute(
            """
            insert into breakers (stage, dependency, state, failures, opened_at, retry_at)
            values ('extract', 'object_store', 'open', 3, now(), now() + interval '1 hour')
            """
        )
    await replica.holds.load()


async def ending(replica: Replica, database: Database) -> None:
    del database
    await replica.slots.stop()


async def crowd(memory: Memory) -> None:
    """Be other stages that take all memory there is, and give it back after a moment."""
    taken = list[Lease]()
    while True:
        if taken:
            memory.end(taken.pop(0))
        async with memory.room(Stage.INDEX) as room:
            if room.memory_bytes >= 500 * MIB:
                taken.append(small())
                memory.begin(taken[-1:])
        await asyncio.sleep(0.1)


def small() -> Lease:
    return Lease(
        key=WorkKey(uuid7(), 1, Stage.INDEX), lane=Priority.NORMAL, owner="ann", bulky=False,
        fence=1, attempt=1, deliveries=1, started_at=datetime.now(UTC), waited_s=0.0,
        first_failed_at=None, record=order().record, worker="w", memory_bytes=500 * MIB,
    )  # fmt: skip


async def test_what_is_to_find_out_whether_a_server_is_back_gets_its_memory(
    replica: Replica, database: Database
) -> None:
    async def is_picked() -> bool:
        async with database.transaction() as tx:
            query = "select from work where stage = 'extract' and fence > 0"
            return (await tx.execute(query)).rowcount > 0

    for _ in range(3):
        await replica.holds.ended(Stage.EXTRACT, Paused("object_store", "nobody answers"))
    crowding = asyncio.create_task(crowd(replica.memory))
    replica.memory.end(replica.running)

    await eventually(is_picked, within_s=30)

    crowding.cancel()


@pytest.mark.parametrize("held", [stopped, paused, away, ending])
async def test_what_is_promised_to_a_stage_that_may_not_pick_is_free_for_others(
    replica: Replica, database: Database, held: Callable[[Replica, Database], Awaitable[None]]
) -> None:
    async def is_promised() -> bool:
        return await replica.room() == 0

    async def is_free() -> bool:
        return await replica.room() == 500

    await eventually(is_promised)

    await held(replica, database)

    await eventually(is_free)
    assert replica.memory.held(Stage.EXTRACT) == 0
