"""Replays: ordered once, paced, bounded, paused, and gone on with by another runner."""

import asyncio
from datetime import timedelta

import pytest
from tests.integration.dlq_admin.conftest import Hands
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
from tests.unit.dlq_admin.letters import dead, death
from tests.waiting import eventually

from dlq_admin.consumers.indexer import Indexer
from dlq_admin.errors import KeyReusedError, NotFoundError, StateForbidsError
from dlq_admin.replaying.edits import Entries
from dlq_admin.replaying.orders import Orders
from dlq_admin.replaying.runner import Runner
from docyard_common.clock import SystemClock
from docyard_common.database import Database
from docyard_common.delivery.headers import Replay, original, replay_of
from docyard_common.ids import uuid7
from docyard_common.outbox import Outbox

pytestmark = pytest.mark.integration


async def test_a_replay_sends_the_record_as_it_came_and_marks_it(
    database: Database, indexer: Indexer, orders: Orders, runner: Runner
) -> None:
    record = dead(of=death())
    await indexer.apply([record])

    placed = await orders.place(order(*await ids(database)))
    await runner.tick()

    (row,) = await sent(database)
    headers = tuple(
        zip((name.decode() for name in row["header_names"]), row["header_values"], strict=True)
    )
    assert (row["topic"], row["key"], row["value"]) == (
        "work.extract.high",
        record.key,
        record.value,
    )
    assert original(headers) == original(record.headers)
    assert replay_of(headers) == Replay(placed["id"], 1)
    entry = await only_entry(database)
    assert (entry["state"], entry["replay_count"]) == ("replayed", 1)
    done = await replay(database)
    assert (done["status"], done["moved"], done["matched"]) == ("completed", 1, 1)


async def test_of_two_operators_one_sends_and_the_other_is_told(
    database: Database, indexer: Indexer, orders: Orders, runner: Runner
) -> None:
    await indexer.apply([dead() for _ in range(20)])

    both = await asyncio.gather(*(orders.place(order(where=ALL)) for _ in range(2)))
    await runner.tick()

    assert sorted(row["skipped"].get("running", 0) for row in both) == [0, 20]
    assert len(await sent(database)) == 20
    third = await orders.place(order(where=ALL))
    assert (third["status"], third["skipped"]) == ("completed", {"already_replayed": 20})


async def test_failures_after_the_order_are_not_replayed_by_it(
    database: Database, indexer: Indexer, orders: Orders, runner: Runner
) -> None:
    await indexer.apply([dead()])
    await orders.place(order(where=ALL))
    await indexer.apply([dead()])

    await runner.tick()
    await runner.tick()

    assert len(await sent(database)) == 1


async def test_a_dry_run_counts_and_moves_nothing(
    database: Database, indexer: Indexer, orders: Orders, runner: Runner
) -> None:
    await indexer.apply([dead() for _ in range(3)])

    row = await orders.place(order(where=ALL, dry_run=True))
    await runner.tick()

    assert (row["status"], row["matched"], row["moved"]) == ("completed", 3, 0)
    assert row["preview"]["eligible"] == 3
    assert [group["count"] for group in row["preview"]["groups"]] == [3]
    assert await sent(database) == []


async def test_a_replay_moves_no_faster_than_its_rate(
    indexer: Indexer, orders: Orders, runner: Runner
) -> None:
    await indexer.apply([dead() for _ in range(7)])
    await orders.place(order(where=ALL, rate_per_s=3.0))

    assert [await runner.tick() for _ in range(4)] == [3, 3, 1, 0]


async def test_a_slow_replay_moves_one_entry_now_and_then(
    indexer: Indexer, orders: Orders, runner: Runner
) -> None:
    await indexer.apply([dead() for _ in range(3)])
    await orders.place(order(where=ALL, rate_per_s=0.5))

    assert [await runner.tick() for _ in range(5)] == [1, 0, 1, 0, 1]


async def test_max_bounds_a_replay(
    database: Database, indexer: Indexer, orders: Orders, runner: Runner
) -> None:
    await indexer.apply([dead() for _ in range(5)])

    await orders.place(order(where=ALL, max_entries=2))
    await runner.tick()

    assert len(await sent(database)) == 2


async def test_another_runner_goes_on_once_the_lease_has_run_out(
    database: Database, indexer: Indexer, orders: Orders, runner: Runner, hands: Hands
) -> None:
    other = Runner(database, outbox=Outbox(source="dlq-admin"), clock=hands, owner="other")
    await indexer.apply([dead() for _ in range(3)])
    await orders.place(order(where=ALL, rate_per_s=1.0))

    assert await runner.tick() == 1
    assert await other.tick() == 0
    hands.time += timedelta(seconds=11)
    assert await other.tick() == 1
    assert await runner.tick() == 0
    assert await other.tick() == 1

    assert len({row["key"] for row in await sent(database)}) == 3
    assert (await replay(database))["status"] == "completed"


async def test_pause_resume_and_cancel(
    database: Database, indexer: Indexer, orders: Orders, runner: Runner
) -> None:
    await indexer.apply([dead() for _ in range(4)])
    placed = await orders.place(order(where=ALL, rate_per_s=1.0))
    assert await runner.tick() == 1

    await orders.pause(placed["id"], deed=DEED)
    assert await runner.tick() == 0
    await orders.resume(placed["id"], deed=DEED)
    assert await runner.tick() == 1
    await orders.cancel(placed["id"], deed=DEED)
    assert await runner.tick() == 0

    done = await replay(database)
    assert (done["status"], done["moved"], done["skipped"]) == ("cancelled", 2, {"cancelled": 2})
    states = await rows(database, "select state, count(*) as n from entries group by 1 order by 1")
    assert [(row["state"], row["n"]) for row in states] == [("open", 2), ("replayed", 2)]
    with pytest.raises(StateForbidsError):
        await orders.resume(placed["id"], deed=DEED)
    assert (await orders.cancel(placed["id"], deed=DEED))["status"] == "cancelled"
    with pytest.raises(NotFoundError):
        await orders.pause(uuid7(), deed=DEED)


async def test_an_idempotency_key_makes_one_replay(
    database: Database, indexer: Indexer, orders: Orders
) -> None:
    await indexer.apply([dead()])
    (entry_id,) = await ids(database)
    same = order(entry_id, idempotency_key="k")

    first, *others = await asyncio.gather(*(orders.place(same) for _ in range(4)))

    assert {row["id"] for row in others} == {first["id"]}
    with pytest.raises(KeyReusedError):
        await orders.place(order(entry_id, idempotency_key="k", rate_per_s=1.0))


async def test_the_runner_moves_by_itself_once_woken_and_gives_its_leases_back(
    database: Database, indexer: Indexer, orders: Orders
) -> None:
    runner = Runner(
        database, outbox=Outbox(source="dlq-admin"), clock=SystemClock(), owner="background"
    )
    running = asyncio.create_task(runner.run())
    await indexer.apply([dead() for _ in range(2)])
    await orders.place(order(where=ALL, rate_per_s=1.0))
    runner.wake()
    await eventually(lambda: sent(database), within_s=20)

    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert (await replay(database))["lease_owner"] is None


async def test_discard_and_restore(
    database: Database, indexer: Indexer, orders: Orders, entries: Entries
) -> None:
    await indexer.apply([dead()])
    (entry_id,) = await ids(database)

    await entries.discard(entry_id, deed=DEED)
    await entries.discard(entry_id, deed=DEED)
    discarded = await only_entry(database)
    await entries.restore(entry_id, deed=DEED)
    await entries.restore(entry_id, deed=DEED)
    await orders.place(order(entry_id))

    assert (discarded["state"], discarded["settled_reason"]) == ("discarded", "known")
    with pytest.raises(StateForbidsError):
        await entries.discard(entry_id, deed=DEED)
    with pytest.raises(NotFoundError):
        await entries.restore(uuid7(), deed=DEED)
