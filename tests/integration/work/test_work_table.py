"""Picking and settling rows, one rule a test."""

from collections.abc import Awaitable, Callable
from functools import partial

import pytest
from tests.integration.work.orders import order

from docyard_common.database import Database, Transaction
from docyard_common.delivery.outcome import Failure
from docyard_common.errors import FailureReason, SupersededError
from docyard_common.events.stages import Priority, Stage
from docyard_common.ids import uuid7
from docyard_common.work import intake, picking, settling, stopping
from docyard_common.work.model import Lease, WorkOrder

pytestmark = pytest.mark.integration

ALL_LANES = tuple(Priority)
FAILURE = Failure(FailureReason.MEMORY_LIMIT, "too much", "MemoryLimitError")


async def take(database: Database, *orders: WorkOrder) -> int:
    async with database.transaction() as tx:
        return await intake.take(tx, orders)


async def pick(
    database: Database,
    *,
    lanes: tuple[Priority, ...] = ALL_LANES,
    bulky: int = 100,
    limit: int = 1,
    lease_s: float = 30.0,
) -> list[Lease]:
    async with database.transaction() as tx:
        return await picking.pick(
            tx, Stage.VALIDATE, lanes, worker="w", lease_s=lease_s, bulky=bulky, limit=limit
        )


async def test_a_row_that_exists_is_left_alone(database: Database) -> None:
    same = order()

    stored = [await take(database, same, same), await take(database, same)]

    assert stored == [1, 0]
    assert len(await pick(database, limit=10)) == 1


async def test_a_picked_row_keeps_the_record_byte_for_byte(database: Database) -> None:
    wanted = order()

    await take(database, wanted)

    (lease,) = await pick(database)
    assert lease.record == wanted.record


async def test_the_first_of_the_asked_lanes_comes_first(database: Database) -> None:
    low, critical = order(lane=Priority.LOW), order(lane=Priority.CRITICAL)
    await take(database, critical, low)

    (first,) = await pick(database, lanes=(Priority.LOW, Priority.CRITICAL))

    assert first.key.document_id == low.request.document_id


async def test_a_lane_that_is_not_asked_for_waits(database: Database) -> None:
    await take(database, order(lane=Priority.LOW))

    assert await pick(database, lanes=(Priority.CRITICAL,)) == []


async def test_owners_take_turns(database: Database) -> None:
    await take(database, *(order(owner="ann") for _ in range(5)), order(owner="bob"))

    owners = [(await pick(database))[0].owner for _ in range(3)]

    assert owners == ["ann", "bob", "ann"]


async def test_bulky_rows_wait_while_small_ones_pass(database: Database) -> None:
    small = order()
    await take(database, order(bulky=True), small)

    (lease,) = await pick(database, bulky=0)

    assert lease.key.document_id == small.request.document_id


async def test_so_many_bulky_rows_are_picked_and_small_ones_beside_them(database: Database) -> None:
    bulky = [order(bulky=True) for _ in range(3)]
    small = [order() for _ in range(2)]
    await take(database, *bulky, *small)

    picked = await pick(database, bulky=2, limit=4)
    rest = await pick(database, bulky=0, limit=4)
    last = await pick(database, bulky=2, limit=4)

    assert [sum(lease.bulky for lease in leases) for leases in (picked, rest, last)] == [2, 0, 1]
    assert [len(leases) for leases in (picked, rest, last)] == [4, 0, 1]


async def test_a_row_whose_lease_ran_out_is_picked_again_with_the_next_fence(
    database: Database,
) -> None:
    await take(database, order())

    (first,) = await pick(database, lease_s=0)
    (second,) = await pick(database)

    assert (first.fence, second.fence, second.deliveries) == (1, 2, 2)


Settle = Callable[[Transaction, Lease], Awaitable[settling.Hold]]


@pytest.mark.parametrize(
    "settle",
    [
        settling.remove,
        settling.release,
        partial(settling.bury, failure=FAILURE),
        partial(settling.postpone, delay_s=0, failure=FAILURE),
    ],
    ids=["remove", "release", "bury", "postpone"],
)
async def test_a_run_that_was_taken_over_writes_nothing(database: Database, settle: Settle) -> None:
    await take(database, order())
    (stale,) = await pick(database, lease_s=0)
    (fresh,) = await pick(database)

    with pytest.raises(SupersededError):
        async with database.transaction() as tx:
            (await settle(tx, stale)).confirm()

    async with database.transaction() as tx:
        (await settling.remove(tx, fresh)).confirm()


async def test_only_lost_leases_are_reported_by_a_renewal(database: Database) -> None:
    await take(database, order(), order())
    stale, kept = await pick(database, limit=2, lease_s=0)
    await pick(database)

    async with database.transaction() as tx:
        lost = await picking.renew(tx, [stale, kept], lease_s=30)

    assert len(lost) == 1


async def test_finished_work_is_not_taken_in_again(database: Database) -> None:
    same = order()
    await take(database, same)
    (lease,) = await pick(database)
    async with database.transaction() as tx:
        (await settling.remove(tx, lease)).confirm()

    await take(database, same)

    assert await pick(database) == []


async def test_a_postponed_row_waits_for_its_time_as_the_next_attempt(database: Database) -> None:
    await take(database, order())
    (lease,) = await pick(database)
    async with database.transaction() as tx:
        (await settling.postpone(tx, lease, delay_s=3600, failure=FAILURE)).confirm()

    assert await pick(database) == []

    async with database.transaction() as tx:
        await tx.execute("update work set due_at = due_at - interval '1 hour'")
    (again,) = await pick(database)
    assert (again.attempt, again.deliveries) == (2, 1)


async def test_what_a_server_did_not_answer_for_lets_the_others_go_first(
    database: Database,
) -> None:
    orders = [order() for _ in range(3)]
    for each in orders:
        await take(database, each)
    (first,) = await pick(database)

    async with database.transaction() as tx:
        (await settling.release(tx, first, delay_s=0.001)).confirm()
    rest: list[Lease] = []
    while len(rest) < 3:
        rest += await pick(database)

    second, third = orders[1:]
    assert [lease.key.document_id for lease in rest] == [
        second.request.document_id,
        third.request.document_id,
        first.key.document_id,
    ]
    assert (rest[-1].attempt, rest[-1].deliveries) == (1, 1)


async def test_what_a_process_gives_back_at_its_end_keeps_its_place(database: Database) -> None:
    await take(database, order())
    await take(database, order())
    (first,) = await pick(database)

    async with database.transaction() as tx:
        (await settling.release(tx, first)).confirm()

    (again,) = await pick(database)
    assert again.key == first.key


async def test_a_dead_row_comes_back_once_for_each_replay(database: Database) -> None:
    document_id, replay_id = uuid7(), uuid7()
    await take(database, order(document_id))
    await bury_next(database)
    again = order(document_id, replay_id=replay_id)

    await take(database, order(document_id))
    assert await pick(database) == []

    await take(database, again)
    await bury_next(database)
    await take(database, again)
    assert await pick(database) == []

    await take(database, order(document_id, replay_id=uuid7()))
    assert [lease.attempt for lease in await pick(database)] == [1]


async def bury_next(database: Database) -> None:
    (lease,) = await pick(database)
    async with database.transaction() as tx:
        (await settling.bury(tx, lease, failure=FAILURE)).confirm()


async def test_cancelled_work_is_gone_and_does_not_come_back(database: Database) -> None:
    wanted = order()
    await take(database, wanted)

    async with database.transaction() as tx:
        first = await stopping.cancel(tx, wanted.request.document_id, artifacts="d/{generation}/")
    async with database.transaction() as tx:
        second = await stopping.cancel(tx, wanted.request.document_id, artifacts="d/{generation}/")
    await take(database, wanted)

    assert (first, second) == (1, None)
    assert await pick(database) == []


async def test_a_run_whose_document_was_cancelled_writes_nothing(database: Database) -> None:
    wanted = order()
    await take(database, wanted)
    (lease,) = await pick(database)

    async with database.transaction() as tx:
        await stopping.cancel(tx, wanted.request.document_id, artifacts="d/{generation}/")
    with pytest.raises(SupersededError):
        async with database.transaction() as tx:
            (await settling.remove(tx, lease)).confirm()
    async with database.transaction() as tx:
        await settling.discard(tx, lease)
        rows = await (await tx.execute("select count(*) as n from work")).fetchone()

    assert rows == {"n": 0}


async def test_a_completed_document_can_not_be_cancelled(database: Database) -> None:
    document_id = uuid7()
    await take(database, order(document_id, stage=Stage.INDEX))
    async with database.transaction() as tx:
        (lease,) = await picking.pick(tx, Stage.INDEX, ALL_LANES, worker="w", lease_s=30)
        (await settling.remove(tx, lease)).confirm()

    async with database.transaction() as tx:
        assert await stopping.cancel(tx, document_id, artifacts="d/{generation}/") is None
