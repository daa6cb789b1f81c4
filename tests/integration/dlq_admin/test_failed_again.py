"""What fails again after a replay, or decodes by now, is led back to its entry."""

import pytest
from tests.integration.dlq_admin.conftest import MAX_REPLAYS
from tests.integration.dlq_admin.looking import (
    ALL,
    fact,
    ids,
    only_entry,
    order,
    replay,
    rows,
    sent,
)
from tests.unit.dlq_admin.letters import NOON, dead, death, lying, work

from dlq_admin.consumers.indexer import Indexer
from dlq_admin.consumers.resolver import Resolver
from dlq_admin.domain.entries import EntryFilter, EntryState
from dlq_admin.replaying.orders import Orders
from dlq_admin.replaying.runner import Runner
from docyard_common.database import Database
from docyard_common.delivery.headers import Replay
from docyard_common.events.documents import StageFinished
from docyard_common.events.stages import Stage

pytestmark = pytest.mark.integration


async def test_a_failure_after_a_replay_opens_the_entry_and_is_led_back_to_it(
    database: Database, indexer: Indexer, orders: Orders, runner: Runner
) -> None:
    event = work()
    await indexer.apply([dead(event)])
    placed = await orders.place(order(*await ids(database)))
    await runner.tick()

    await indexer.apply([dead(event, of=death(5), replay=Replay(placed["id"], 1))])

    assert (await only_entry(database))["state"] == "open"
    (item,) = await rows(database, "select * from replay_items")
    assert (item["outcome"], item["result"]) == ("moved", "failed_again")


async def test_what_fails_after_its_last_replay_is_parked_and_groups_pass_it_by(
    database: Database, indexer: Indexer, orders: Orders, runner: Runner
) -> None:
    event = work()
    await indexer.apply([dead(event)])
    for minute in range(1, MAX_REPLAYS + 1):
        placed = await orders.place(order(*await ids(database)))
        await runner.tick()
        again = dead(event, of=death(minute), replay=Replay(placed["id"], minute))
        await indexer.apply([again])

    assert (await only_entry(database))["state"] == "parked"
    by_group = await orders.place(order(where=ALL))
    assert by_group["skipped"] == {"parked": 1}
    by_name = await orders.place(order(where=EntryFilter(states=(EntryState.PARKED,))))
    assert by_name["status"] == "pending"


async def test_a_record_that_does_not_decode_is_found_again_after_its_replay(
    database: Database, indexer: Indexer, orders: Orders, runner: Runner
) -> None:
    came = (("ce_type", b"\xff"),)
    await indexer.apply([lying(b"k", b"\xff", came)])
    placed = await orders.place(order(*await ids(database)))
    await runner.tick()

    again = lying(b"k", b"\xff", came, of=death(5), replay=Replay(placed["id"], 1))
    await indexer.apply([again])

    entry = await only_entry(database)
    assert (entry["state"], entry["count"]) == ("open", 2)


async def test_what_decodes_only_by_now_is_resolved_by_its_success(
    database: Database, indexer: Indexer, resolver: Resolver, orders: Orders, runner: Runner
) -> None:
    event = work(seq=10)
    await indexer.reject(dead(event), ValueError("a type of tomorrow"))
    assert (await only_entry(database))["document_id"] is None

    await orders.place(order(*await ids(database)))
    await runner.tick()
    done = StageFinished(
        document_id=event.document_id, owner="ann", generation=1, seq=20, stage=Stage.EXTRACT,
        attempt=1, at=NOON, duration_s=1,
    )  # fmt: skip
    await resolver.apply([fact(done)])

    entry = await only_entry(database)
    assert (entry["document_id"], entry["owner"]) == (event.document_id, "ann")
    assert entry["state"] == "resolved"
    assert len(await sent(database)) == 1


async def test_what_decodes_by_now_is_sent_beside_the_entry_its_document_has(
    database: Database, indexer: Indexer, orders: Orders, runner: Runner
) -> None:
    event = work()
    await indexer.apply([dead(event)])
    await indexer.reject(dead(event), ValueError("a type of tomorrow"))

    await orders.place(order(where=ALL))
    await runner.tick()

    assert len(await sent(database)) == 2
    assert (await replay(database))["moved"] == 2
