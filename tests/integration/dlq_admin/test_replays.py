import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.integration.dlq_admin.conftest import MAX_REPLAYS, Hands
from tests.integration.dlq_admin.looking import fact, only_entry, order, rows, sent
from tests.unit.dlq_admin.letters import NOON, dead, death, lying, work
from tests.waiting import eventually

from dlq_admin.consumers.indexer import Indexer
from dlq_admin.consumers.resolver import Resolver
from dlq_admin.domain.entries import EntryFilter, EntryState
from dlq_admin.errors import KeyReusedError, NotFoundError, StateForbidsError
from dlq_admin.replaying.edits import Entries
from dlq_admin.replaying.orders import Orders
from dlq_admin.replaying.runner import Runner
from dlq_admin.tables import outcomes
from dlq_admin.tables.audit import Deed
from docyard_common.clock import SystemClock
from docyard_common.database import Database
from docyard_common.delivery import oversize
from docyard_common.delivery.headers import Replay, original, replay_of
from docyard_common.events import codec
from docyard_common.events.documents import StageFinished
from docyard_common.events.stages import Stage
from docyard_common.events.work import ReprocessRequested
from docyard_common.ids import uuid7
from docyard_common.outbox import Outbox

pytestmark = pytest.mark.integration

DEED = Deed("oscar", "test", {}, reason="known")
ALL = EntryFilter(stage="extract")


async def ids(database: Database) -> list[Any]:
    return [row["id"] for row in await rows(database, "select id from entries order by id")]


async def replay(database: Database) -> dict[str, Any]:
    (found,) = await rows(database, "select * from replays where not dry_run")
    return found


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
