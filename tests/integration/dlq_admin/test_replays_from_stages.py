"""Replays that begin at another stage than the one that failed."""

import pytest
from tests.integration.dlq_admin.looking import ids, only_entry, order, replay, sent
from tests.unit.dlq_admin.letters import dead, death, work

from dlq_admin.consumers.indexer import Indexer
from dlq_admin.replaying.orders import Orders
from dlq_admin.replaying.runner import Runner
from docyard_common.database import Database
from docyard_common.events.stages import Stage
from docyard_common.events.work import ReprocessRequested

pytestmark = pytest.mark.integration


async def test_a_replay_from_an_earlier_stage_has_the_document_processed_again(
    database: Database, indexer: Indexer, orders: Orders, runner: Runner
) -> None:
    request = work(generation=2)
    await indexer.apply([dead(request, of=death())])

    await orders.place(order(*await ids(database), from_stage=Stage.VALIDATE))
    await runner.tick()

    (row,) = await sent(database)
    assert row["topic"] == "commands"
    command = ReprocessRequested.model_validate_json(row["value"])
    assert (command.document_id, command.from_stage, command.after_generation) == (
        request.document_id, Stage.VALIDATE, 2,
    )  # fmt: skip
    assert command.requested_by == "oscar"
    assert (await only_entry(database))["state"] == "replayed"


async def test_a_replay_from_a_later_stage_leaves_the_entry_open(
    database: Database, indexer: Indexer, orders: Orders, runner: Runner
) -> None:
    await indexer.apply([dead(of=death())])

    await orders.place(order(*await ids(database), from_stage=Stage.INDEX))
    await runner.tick()

    assert await sent(database) == []
    assert (await only_entry(database))["state"] == "open"
    assert (await replay(database))["skipped"] == {"stage_not_reached": 1}


async def test_a_replay_from_the_stage_that_failed_is_an_ordinary_one(
    database: Database, indexer: Indexer, orders: Orders, runner: Runner
) -> None:
    await indexer.apply([dead(of=death())])

    await orders.place(order(*await ids(database), from_stage=Stage.EXTRACT))
    await runner.tick()

    assert [row["topic"] for row in await sent(database)] == ["work.extract.high"]
