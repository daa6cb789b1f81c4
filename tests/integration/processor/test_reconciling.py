"""Work asked for again: what goes on is left alone, what ended is told, the rest put back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.integration.work.orders import order

from docyard_common.database import Database
from docyard_common.delivery.ladder import Mode
from docyard_common.delivery.memory import Estimates
from docyard_common.delivery.outcome import Failure
from docyard_common.errors import FailureReason
from docyard_common.events.documents import DocumentCancelled
from docyard_common.events.stages import Priority, Stage
from docyard_common.ids import uuid7
from docyard_common.kafka.received import ReceivedRecord
from docyard_common.outbox import Outbox
from docyard_common.work import intake as work_intake
from docyard_common.work import picking, settling, stopping
from docyard_common.work.model import Lease, WorkOrder
from processor.intake import Intake
from processor.settings import SlotSettings

pytestmark = pytest.mark.integration
FAILURE = Failure(FailureReason.TIMEOUT, "too slow", "TimeLimitError")


@pytest.fixture
def intake(database: Database) -> Intake:
    return Intake(
        Stage.VALIDATE,
        Priority.NORMAL,
        database=database,
        outbox=Outbox(source="test"),
        settings=SlotSettings(),
        estimates=Estimates(limit_bytes=2**31),
    )


def again(first: WorkOrder) -> ReceivedRecord:
    return order(first.request.document_id, reconciling=True).record


async def pick(database: Database, stage: Stage = Stage.VALIDATE) -> list[Lease]:
    async with database.transaction() as tx:
        lanes = tuple(Priority)
        return await picking.pick(tx, stage, lanes, worker="w", lease_s=30, limit=5)


async def die(database: Database, lease: Lease) -> None:
    """Let a run end in its second step of the ladder."""
    async with database.transaction() as tx:
        step = await settling.postpone(tx, lease, delay_s=0, failure=FAILURE, mode=Mode.CAREFUL)
        step.confirm()
    (second,) = await pick(database)
    async with database.transaction() as tx:
        (await settling.bury(tx, second, failure=FAILURE)).confirm()


async def test_a_lost_order_is_put_back(database: Database, intake: Intake) -> None:
    await intake.apply([again(order()), again(order())])

    assert len(await pick(database)) == 2


async def test_work_that_goes_on_is_left_alone(database: Database, intake: Intake) -> None:
    first = order()
    await intake.apply([first.record])
    (lease,) = await pick(database)

    await intake.apply([again(first)])

    assert await pick(database) == []
    async with database.transaction() as tx:
        (await settling.remove(tx, lease)).confirm()


async def test_a_stage_that_was_done_runs_again_and_is_newer(
    database: Database, intake: Intake
) -> None:
    first = order()
    await intake.apply([first.record])
    (lease,) = await pick(database)
    async with database.transaction() as tx:
        (await settling.remove(tx, lease)).confirm()

    await intake.apply([first.record])
    assert await pick(database) == [], "a redelivery alone changes nothing"
    await intake.apply([again(first)])

    (repeated,) = await pick(database)
    assert repeated.fence > lease.fence


async def test_a_dead_row_is_told_again(database: Database, intake: Intake) -> None:
    first = order()
    await intake.apply([first.record])
    (lease,) = await pick(database)
    async with database.transaction() as tx:
        (await settling.bury(tx, lease, failure=FAILURE)).confirm()

    await intake.apply([again(first)])

    assert [one.attempt for one in await pick(database)] == [1]


@pytest.mark.parametrize(
    ("asked_after", "waiting"),
    [(timedelta(hours=-2), 0), (timedelta(hours=2), 1)],
    ids=["before its end", "after its end"],
)
async def test_what_was_completed_while_the_order_waited_is_left_alone(
    database: Database, intake: Intake, asked_after: timedelta, waiting: int
) -> None:
    last = order(stage=Stage.INDEX)
    async with database.transaction() as tx:
        await work_intake.take(tx, [last])
    async with database.transaction() as tx:
        (await settling.remove(tx, *await pick(database, Stage.INDEX))).confirm()
    asked_at = datetime.now(UTC) + asked_after

    await intake.apply([replace(again(last), timestamp_ms=int(asked_at.timestamp() * 1000))])

    assert len(await pick(database)) == waiting


@pytest.mark.parametrize("was_done", [False, True])
async def test_a_replay_of_what_was_asked_for_again_is_a_replay(
    database: Database, intake: Intake, *, was_done: bool
) -> None:
    """It runs what the replay asks for, once, and from the beginning of the ladder."""
    first = order()
    if was_done:
        await intake.apply([first.record])
        async with database.transaction() as tx:
            (await settling.remove(tx, *await pick(database))).confirm()
    await intake.apply([again(first)])
    await die(database, *await pick(database))
    replay = order(
        first.request.document_id, owner="edited", reconciling=True, replay_id=uuid7()
    ).record

    await intake.apply([replay])

    (lease,) = await pick(database)
    assert (lease.record.value, lease.record.headers) == (replay.value, replay.headers)
    assert (lease.attempt, lease.meter.mode) == (1, Mode.STANDARD)
    await die(database, lease)
    await intake.apply([replay])
    assert await pick(database) == [], "one replay wakes a dead row once"


async def test_a_cancelled_document_is_told_to_be_cancelled_again(
    database: Database, intake: Intake
) -> None:
    first = order(uuid7())
    async with database.transaction() as tx:
        await stopping.cancel(tx, first.request.document_id, artifacts="{generation}/")

    await intake.apply([again(first)])

    assert await pick(database) == []
    async with database.transaction() as tx:
        (row,) = await (await tx.execute("select value from outbox")).fetchall()
    event = DocumentCancelled.model_validate_json(row["value"])
    assert event.document_id == first.request.document_id
    assert event.cancelled_at <= datetime.now(UTC)
