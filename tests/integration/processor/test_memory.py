"""Documents begin while the memory they may need is there; a large one comes to its turn."""

from collections.abc import Sequence
from functools import partial

import pytest
from tests.integration.work.orders import order

from docyard_common.database import Database
from docyard_common.delivery.memory import Estimates, Kind
from docyard_common.events.stages import Priority, Stage
from docyard_common.work import intake, picking
from docyard_common.work.model import Lease
from processor.memory import Memory
from processor.memory_history import MemoryHistory

pytestmark = pytest.mark.integration
MIB = 1024 * 1024
LANES = tuple(Priority)


class Replica:
    """Picks as the slots of a stage do."""

    def __init__(self, database: Database, *, budget: int, patience_s: float = 1000.0) -> None:
        self._database = database
        self.woken: list[Stage] = []
        self.memory = Memory(
            budget_bytes=budget * MIB, limit_bytes=2048 * MIB, patience_s=patience_s
        )
        for stage in Stage:
            self.memory.watch(stage, partial(self.woken.append, stage))

    async def pick(self, stage: Stage = Stage.VALIDATE, *, limit: int = 10) -> list[Lease]:
        async with self.memory.room(stage) as room, self._database.autocommit() as tx:
            leases = await picking.pick(
                tx, stage, LANES, worker="w", lease_s=60, limit=limit, room=room
            )
            self.memory.begin(leases)
            if not leases:
                found = await picking.too_large(
                    tx, stage, LANES, bulky=True, memory_bytes=room.memory_bytes
                )
                self.memory.hold_back(stage, found)
        return leases

    def end(self, leases: Sequence[Lease]) -> None:
        for lease in leases:
            self.memory.end(lease)


async def waiting(database: Database, *needs: int, stage: Stage = Stage.VALIDATE) -> None:
    async with database.transaction() as tx:
        await intake.take(tx, [order(stage=stage, memory_bytes=each * MIB) for each in needs])


def needs(leases: Sequence[Lease]) -> list[int]:
    return sorted(lease.memory_bytes // MIB for lease in leases)


async def test_what_begins_together_fits_into_the_budget(database: Database) -> None:
    await waiting(database, 300, 300, 300, 300, 300)
    replica = Replica(database, budget=1000)

    first = await replica.pick()
    second = await replica.pick()
    replica.end(first[:1])
    third = await replica.pick()

    assert [needs(first), needs(second), needs(third)] == [[300] * 3, [], [300]]
    assert replica.memory.held(Stage.VALIDATE) == 2


async def test_all_stages_of_a_process_share_its_memory(database: Database) -> None:
    await waiting(database, 600)
    await waiting(database, 600, stage=Stage.INDEX)
    replica = Replica(database, budget=1000)

    first = await replica.pick()
    second = await replica.pick(Stage.INDEX)
    replica.end(first)

    assert (needs(first), needs(second)) == ([600], [])
    assert replica.woken == [Stage.INDEX]
    assert needs(await replica.pick(Stage.INDEX)) == [600]


async def test_one_that_is_larger_than_the_budget_runs_alone(database: Database) -> None:
    await waiting(database, 1500, 10)
    replica = Replica(database, budget=1000)

    first = await replica.pick(limit=1)
    beside = await replica.pick()
    replica.end(first)

    assert (needs(first), needs(beside)) == ([1500], [])
    assert needs(await replica.pick()) == [10]


async def test_small_ones_go_by_until_a_large_one_loses_patience(database: Database) -> None:
    await waiting(database, 200, 900, 200, 200)
    patient = Replica(database, budget=1000, patience_s=1000)
    first = await patient.pick(limit=1)
    by = await patient.pick(limit=1)
    assert (needs(first), needs(by)) == ([200], [200])

    impatient = Replica(database, budget=1000, patience_s=0)
    impatient.memory.begin([*first, *by])
    last = await impatient.pick()
    assert needs(last) == [200]
    assert needs(await impatient.pick()) == []  # here it is promised
    impatient.end(first)
    await waiting(database, 200)
    assert needs(await impatient.pick()) == [], "nothing takes the place of the one that waits"
    impatient.end(by)
    assert needs(await impatient.pick()) == []
    impatient.end(last)
    assert needs(await impatient.pick()) == [900]


async def test_a_promise_ends_when_its_document_is_gone(database: Database) -> None:
    await waiting(database, 500)
    replica = Replica(database, budget=1000, patience_s=0)
    await replica.pick()
    await waiting(database, 900)
    assert await replica.pick() == []
    async with database.transaction() as tx:
        await tx.execute("delete from work where state = 'waiting'")
    await waiting(database, 400)

    assert await replica.pick() == []  # notices that nobody is there to be waited for
    assert needs(await replica.pick()) == [400]


async def test_a_crashed_run_of_a_large_one_comes_to_its_turn_too(database: Database) -> None:
    await waiting(database, 900)
    lost = await Replica(database, budget=1000).pick()
    async with database.transaction() as tx:
        await tx.execute("update work set lease_until = now() - interval '1 minute'")
    replica = Replica(database, budget=1000, patience_s=0)
    await waiting(database, 200)

    picked = await replica.pick(limit=1)
    while needs(picked) != [900]:
        replica.end(picked)
        picked = await replica.pick(limit=1)
    assert picked[0].fence == lost[0].fence + 1


async def test_what_was_needed_is_shared_and_corrects_what_waits(database: Database) -> None:
    await waiting(database, 999)
    kind = Kind.of(Stage.VALIDATE, "text/plain", 1)
    seen, learner = Estimates(limit_bytes=2**31), Estimates(limit_bytes=2**31)
    seen.observe(kind, 100 * MIB)

    await MemoryHistory(seen, database=database).exchange()
    other = MemoryHistory(learner, database=database)
    await other.exchange()
    learner.observe(kind, 300 * MIB)
    await other.exchange()

    assert learner.peaks == {kind: 300 * MIB}
    async with database.transaction() as tx:
        row = await (await tx.execute("select memory_bytes from work")).fetchone()
    assert row is not None
    assert row["memory_bytes"] == learner.estimate(kind) == 375 * MIB
