"""A process that starts while a server is away does not send all its slots there."""

import asyncio
from datetime import UTC, datetime

import pytest

from docyard_common.database import Database
from docyard_common.delivery.outcome import Done, Paused
from docyard_common.events import codec, topics
from docyard_common.events.stages import Stage
from docyard_common.events.work import BreakerResetRequested
from docyard_common.kafka.received import ReceivedRecord
from docyard_common.outbox import Outbox
from processor import breakers
from processor.commands import Commands
from processor.holds import Holds

pytestmark = pytest.mark.integration
AWAY = Paused("object_store", "nobody answers")
OPEN_S = 600.0


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No time passes in these tests but what `due` says."""
    monkeypatch.setattr(breakers, "_OPEN_S", OPEN_S)
    monkeypatch.setattr(breakers, "_OPEN_MAX_S", 10 * OPEN_S)


async def opened(database: Database) -> Holds:
    holds = Holds(Stage, database=database)
    await holds.load()
    for _ in range(3):
        assert holds.may_pick(Stage.EXTRACT)
        await holds.ended(Stage.EXTRACT, AWAY)
    return holds


async def states(database: Database) -> dict[str, str]:
    async with database.transaction() as tx:
        return {each.name: each.state for each in await breakers.observed(tx)}


async def due(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.execute("update breakers set retry_at = now() - interval '1 second'")


async def test_an_open_breaker_is_open_after_a_restart(database: Database) -> None:
    await opened(database)
    restarted = Holds(Stage, database=database)
    assert restarted.may_pick(Stage.EXTRACT), "as it would be without what was kept"

    await restarted.load()

    assert not restarted.may_pick(Stage.EXTRACT)
    assert restarted.may_pick(Stage.INDEX), "other stages find out for themselves"
    assert await states(database) == {"extract.object_store": "open"}


async def test_after_its_time_a_restarted_process_sends_one_probe(database: Database) -> None:
    await opened(database)
    await due(database)
    restarted = Holds(Stage, database=database)
    await restarted.load()

    allowed = [restarted.may_pick(Stage.EXTRACT) for _ in range(4)]

    assert allowed == [True, False, False, False]
    assert restarted.is_probing(Stage.EXTRACT)
    await restarted.ended(Stage.EXTRACT, Done())
    assert restarted.may_pick(Stage.EXTRACT)
    assert not restarted.is_probing(Stage.EXTRACT)
    assert await states(database) == {"extract.object_store": "closed"}


async def test_a_failed_probe_opens_it_again_for_longer(database: Database) -> None:
    await opened(database)
    await due(database)
    restarted = Holds(Stage, database=database)
    await restarted.load()
    assert restarted.may_pick(Stage.EXTRACT)

    await restarted.ended(Stage.EXTRACT, AWAY)

    assert not restarted.may_pick(Stage.EXTRACT)
    async with database.transaction() as tx:
        (row,) = await breakers.observed(tx)
    assert (row.state, row.failures) == ("open", 4)
    assert row.retry_at is not None
    assert (row.retry_at - datetime.now(UTC)).total_seconds() > OPEN_S


async def test_an_operator_closes_it_in_every_replica(database: Database) -> None:
    first, second = await opened(database), Holds(Stage, database=database)
    await second.load()
    commands = Commands(database=database, outbox=Outbox(source="test"), holds=first)
    wish = BreakerResetRequested(
        stage=Stage.EXTRACT, dependency="object_store", requested_by="olga",
        requested_at=datetime.now(UTC),
    )  # fmt: skip
    record = codec.encode(wish, topic=topics.COMMANDS, source="dlq-admin")
    headers = tuple(record.headers)

    await commands.apply(
        [ReceivedRecord(topics.COMMANDS, 0, 0, 0, record.key, record.value, headers)]
    )
    await first.load()  # as the notification makes every replica do
    await second.load()

    assert first.may_pick(Stage.EXTRACT)
    assert second.may_pick(Stage.EXTRACT)
    for _ in range(3):
        await first.ended(Stage.EXTRACT, AWAY)
    await first.load()
    assert not first.may_pick(Stage.EXTRACT), "one reset closes once"


async def test_nothing_is_lost_when_the_database_itself_is_away(database: Database) -> None:
    holds = Holds(Stage, database=database)
    await database.close()

    for _ in range(3):
        await holds.ended(Stage.EXTRACT, Paused("database", "nobody answers"))

    assert not holds.may_pick(Stage.EXTRACT)


async def test_a_server_may_fail_for_the_first_time_while_another_is_back(
    database: Database,
) -> None:
    kept = breakers.Breakers(Stage, database=database)
    for _ in range(3):
        await kept.failed(Stage.EXTRACT, "object_store")

    await asyncio.gather(kept.answered(Stage.EXTRACT), kept.failed(Stage.EXTRACT, "extractor"))

    assert await states(database) == {"extract.object_store": "closed"}
