"""A stage whose failures are not the documents' own stands still until a person lets it go on."""

from datetime import UTC, datetime

import pytest

from docyard_common.database import Database
from docyard_common.delivery.guard import GuardPolicy
from docyard_common.delivery.outcome import DeadLetter, Done, Failure
from docyard_common.errors import FailureReason
from docyard_common.events import codec, topics
from docyard_common.events.stages import Stage
from docyard_common.events.work import StageResumeRequested
from docyard_common.kafka.received import ReceivedRecord
from docyard_common.outbox import Outbox
from processor.commands import Commands
from processor.holds import Holds

pytestmark = pytest.mark.integration

IN_A_ROW = GuardPolicy().in_a_row


def dead_letter(reason: FailureReason) -> DeadLetter:
    return DeadLetter(Failure(reason, "no", "SomeError"))


UNFORESEEN = dead_letter(FailureReason.UNFORESEEN_ERROR)
UNREADABLE = dead_letter(FailureReason.UNREADABLE_DOCUMENT)


async def started(database: Database) -> Holds:
    """A replica's holds, as it knows them after its start."""
    holds = Holds(Stage, database=database)
    await holds.load()
    return holds


async def fail(holds: Holds, *, times: int) -> None:
    for _ in range(times):
        await holds.ended(Stage.EXTRACT, UNFORESEEN)


async def stopped_in_table(database: Database) -> dict[str, str]:
    async with database.transaction() as tx:
        cursor = await tx.execute("select stage, reason from stopped_stages")
        return {row["stage"]: row["reason"] for row in await cursor.fetchall()}


async def resume(database: Database, holds: Holds) -> None:
    """Let EXTRACT go on, as an operator's command does."""
    wish = StageResumeRequested(
        stage=Stage.EXTRACT, requested_by="olga", requested_at=datetime.now(UTC)
    )
    record = codec.encode(wish, topic=topics.COMMANDS, source="dlq-admin")
    headers = tuple(record.headers)
    received = ReceivedRecord(topics.COMMANDS, 0, 0, 0, record.key, record.value, headers)
    commands = Commands(database=database, outbox=Outbox(source="test"), holds=holds)
    await commands.apply([received])


async def test_failures_in_a_row_stop_the_stage_in_every_replica(database: Database) -> None:
    failing, other = await started(database), await started(database)

    await fail(failing, times=IN_A_ROW - 1)
    assert failing.may_pick(Stage.EXTRACT)
    assert await stopped_in_table(database) == {}
    await fail(failing, times=1)
    await other.load()  # as the notification makes every replica do

    why = f"{IN_A_ROW} documents in a row failed for reasons that are not their own"
    assert await stopped_in_table(database) == {"extract": why}
    for holds in (failing, other, await started(database)):
        assert holds.stopped == {Stage.EXTRACT: why}
        assert not holds.may_pick(Stage.EXTRACT)
        assert holds.may_pick(Stage.INDEX)


async def test_documents_that_are_to_blame_themselves_stop_nothing(database: Database) -> None:
    holds = await started(database)

    await fail(holds, times=IN_A_ROW - 1)
    await holds.ended(Stage.EXTRACT, UNREADABLE)
    await fail(holds, times=IN_A_ROW - 1)
    await holds.ended(Stage.EXTRACT, Done())
    for _ in range(IN_A_ROW):
        await holds.ended(Stage.EXTRACT, UNREADABLE)

    assert holds.may_pick(Stage.EXTRACT)
    assert await stopped_in_table(database) == {}


async def test_a_stage_that_an_operator_lets_go_on_is_counted_anew_in_every_replica(
    database: Database,
) -> None:
    failing, obeying = await started(database), await started(database)
    await fail(failing, times=IN_A_ROW)
    await obeying.load()

    await resume(database, obeying)
    await failing.load()
    await obeying.load()

    assert await stopped_in_table(database) == {}
    for holds in (failing, obeying):
        assert holds.stopped == {}
        assert holds.may_pick(Stage.EXTRACT)
    await fail(failing, times=IN_A_ROW - 1)
    assert failing.may_pick(Stage.EXTRACT), "what was counted before is forgotten"
    await fail(failing, times=1)
    assert not failing.may_pick(Stage.EXTRACT), "the guard still stands"


async def test_a_run_that_ends_after_the_stop_neither_repeats_nor_ends_it(
    database: Database,
) -> None:
    holds = await started(database)
    await fail(holds, times=IN_A_ROW)
    before = await stopped_in_table(database)

    await fail(holds, times=3)
    await holds.ended(Stage.EXTRACT, Done())

    assert await stopped_in_table(database) == before
    assert not holds.may_pick(Stage.EXTRACT)


async def test_a_resume_that_comes_again_changes_nothing(database: Database) -> None:
    holds = await started(database)
    await fail(holds, times=IN_A_ROW)

    for _ in range(2):
        await resume(database, holds)
        await holds.load()

    assert holds.may_pick(Stage.EXTRACT)
