"""What the processor tells of its work is what its tables say."""

import pytest
from tests.integration.work.orders import order

from docyard_common.database import Database
from docyard_common.delivery.ladder import Mode
from docyard_common.delivery.outcome import Failure
from docyard_common.errors import FailureReason
from docyard_common.events.envelope import Event
from docyard_common.events.observation import ProcessingObserved
from docyard_common.events.stages import Priority, Stage
from docyard_common.ids import uuid7
from docyard_common.work import intake, picking, settling
from docyard_common.work.model import Lease
from processor.observer import Observer

pytestmark = pytest.mark.integration
FAILURE = Failure(FailureReason.MEMORY_LIMIT, "too much", "MemoryLimitError")


async def nowhere(topic: str, event: Event) -> None:
    del topic, event


def observer(database: Database, *, worker: str = "a", slots: int = 4) -> Observer:
    return Observer(
        database=database, publish=nowhere, worker=worker, slots=lambda: {Stage.VALIDATE: slots}
    )


async def pick(database: Database, count: int = 1) -> list[Lease]:
    async with database.transaction() as tx:
        return await picking.pick(
            tx, Stage.VALIDATE, tuple(Priority), worker="a", lease_s=30, limit=count
        )


async def test_an_observation_counts_what_waits_runs_and_has_ended(database: Database) -> None:
    async with database.transaction() as tx:
        lanes = [Priority.NORMAL] * 4 + [Priority.LOW]
        await intake.take(tx, [order(uuid7(), lane=lane) for lane in lanes])
    done, retried, dead = await pick(database, 3)
    async with database.transaction() as tx:
        done.meter.peak_memory_bytes = 5
        (await settling.remove(tx, done)).confirm()
        (await settling.postpone(tx, retried, delay_s=60, failure=FAILURE)).confirm()
        (await settling.bury(tx, dead, failure=FAILURE)).confirm()
    await pick(database)

    observed = await observer(database).observe()

    assert observed is not None
    stage = observed.stages[0]
    assert stage.waiting[Priority.NORMAL] + stage.waiting[Priority.LOW] == 2
    assert (stage.retrying, stage.running, stage.dead, stage.slots) == (1, 1, 1, 4)
    assert (stage.done, stage.retried, stage.failed) == (1, 1, 1)
    assert stage.run_s.p50 is not None
    assert ProcessingObserved.model_validate_json(observed.model_dump_json()) == observed


async def test_of_several_replicas_one_tells_and_all_are_counted(database: Database) -> None:
    first, second = observer(database), observer(database, worker="b", slots=2)

    await first.observe()
    told = [await one.observe(every_s=60.0) for one in (first, second)]
    observed = await second.observe()

    assert told == [None, None]
    assert observed is not None
    assert observed.stages[0].slots == 6


async def test_the_next_attempt_runs_in_the_mode_of_the_ladder(database: Database) -> None:
    async with database.transaction() as tx:
        await intake.take(tx, [order()])
    (lease,) = await pick(database)
    async with database.transaction() as tx:
        held = await settling.postpone(tx, lease, delay_s=0, failure=FAILURE, mode=Mode.CAREFUL)
        held.confirm()

    (again,) = await pick(database)
    async with database.transaction() as tx:
        (earlier,) = await settling.ladder(tx, again)

    assert (lease.meter.mode, again.meter.mode) == (Mode.STANDARD, Mode.CAREFUL)
    assert (earlier["mode"], earlier["reason"]) == ("standard", "memory_limit")
