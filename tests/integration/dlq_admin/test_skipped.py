"""What a replay can not send is skipped with its reason, and stops nothing."""

from dataclasses import replace

import pytest
from tests.integration.dlq_admin.looking import (
    ALL,
    DEED,
    ids,
    only_entry,
    order,
    replay,
    rows,
    sent,
)
from tests.unit.dlq_admin.letters import NOON, dead, death, lying, work

from dlq_admin.consumers.indexer import Indexer
from dlq_admin.replaying.edits import Entries
from dlq_admin.replaying.orders import Orders
from dlq_admin.replaying.runner import Runner
from dlq_admin.tables import outcomes
from docyard_common.database import Database
from docyard_common.delivery import oversize
from docyard_common.events import codec
from docyard_common.events.stages import Stage
from docyard_common.ids import uuid7

pytestmark = pytest.mark.integration


async def test_unknown_and_settled_entries_are_skipped_with_their_reason(
    database: Database, indexer: Indexer, orders: Orders, entries: Entries
) -> None:
    await indexer.apply([dead()])
    (entry_id,) = await ids(database)
    await entries.discard(entry_id, deed=DEED)

    row = await orders.place(order(entry_id, uuid7()))

    assert (row["matched"], row["skipped"]) == (2, {"discarded": 1, "not_found": 1})


async def test_what_changes_before_it_is_sent_is_skipped(
    database: Database, indexer: Indexer, orders: Orders, runner: Runner
) -> None:
    again, gone = work(), work()
    await indexer.apply([dead(again, of=death(0)), dead(gone)])
    await orders.place(order(where=ALL))

    await indexer.apply([dead(again, of=death(5))])
    async with database.transaction() as tx:
        await outcomes.erase(tx, gone.document_id, at=NOON)
    await runner.tick()

    assert await sent(database) == []
    assert (await replay(database))["skipped"] == {"failed_again": 1, "erased": 1}


async def test_an_entry_that_can_not_be_sent_fails_alone(
    database: Database, indexer: Indexer, orders: Orders, runner: Runner
) -> None:
    await indexer.apply([dead(), lying(b"k", b"v", (("na\ud800me", b"x"),))])

    await orders.place(order(where=ALL))
    await runner.tick()

    done = await replay(database)
    assert (done["status"], done["moved"], done["failed"]) == ("completed", 1, 1)
    states = await rows(database, "select state from entries order by state")
    assert [row["state"] for row in states] == ["open", "replayed"]


@pytest.mark.parametrize("from_stage", [None, Stage.VALIDATE])
async def test_what_is_too_large_for_its_topic_is_skipped_and_stops_nothing(
    database: Database,
    indexer: Indexer,
    orders: Orders,
    runner: Runner,
    from_stage: Stage | None,
) -> None:
    large = codec.Record("work.extract.high", b"k", b"{" * 2 * 2**20, ())
    letter = oversize.letter(large, death())
    packed = lying(letter.key, letter.value, ())
    await indexer.apply([replace(packed, headers=tuple(letter.headers))])

    await orders.place(order(*await ids(database), from_stage=from_stage))
    await runner.tick()

    assert await sent(database) == []
    assert (await replay(database))["skipped"] == {"too_large": 1}
    assert (await only_entry(database))["state"] == "open"


async def test_a_dead_letter_that_an_older_release_left_whole_is_not_sent_either(
    database: Database, indexer: Indexer, orders: Orders, runner: Runner
) -> None:
    await indexer.apply([lying(b"k", b"{" * 1024 * 1024, ())])

    await orders.place(order(*await ids(database)))
    await runner.tick()

    assert await sent(database) == []
    assert (await replay(database))["skipped"] == {"too_large": 1}
