"""A generation ends what is left of the ones before it, and nothing of its own."""

from uuid import UUID

import pytest
from tests.integration.work.orders import order

from docyard_common.database import Database
from docyard_common.delivery.outcome import Failure
from docyard_common.errors import FailureReason
from docyard_common.events.stages import Priority, Stage
from docyard_common.ids import uuid7
from docyard_common.work import intake, picking, settling, stopping
from docyard_common.work.model import Lease, WorkOrder

pytestmark = pytest.mark.integration
FAILURE = Failure(FailureReason.TIMEOUT, "too slow", "TimeLimitError")


async def take(database: Database, *orders: WorkOrder) -> None:
    async with database.transaction() as tx:
        await intake.take(tx, orders)


async def pick(database: Database) -> list[Lease]:
    async with database.transaction() as tx:
        lanes = tuple(Priority)
        return await picking.pick(tx, Stage.VALIDATE, lanes, worker="w", lease_s=30, limit=10)


async def bury(database: Database, lease: Lease) -> None:
    async with database.transaction() as tx:
        (await settling.bury(tx, lease, failure=FAILURE)).confirm()


async def cancel(
    database: Database, document_id: UUID, *, generation: int = 1, has_result: bool = False
) -> int | None:
    async with database.transaction() as tx:
        return await stopping.cancel(
            tx,
            document_id,
            artifacts="d/{generation}/",
            generation=generation,
            has_result=has_result,
        )


async def kinds(database: Database) -> list[tuple[str, str]]:
    async with database.transaction() as tx:
        cursor = await tx.execute("select kind, prefix from erasures order by kind")
        return [(row["kind"], row["prefix"]) for row in await cursor.fetchall()]


async def test_a_dead_letter_of_an_older_generation_is_not_replayed(database: Database) -> None:
    document_id = uuid7()
    await take(database, order(document_id))
    await bury(database, (await pick(database))[0])

    await take(database, order(document_id, generation=2))
    await take(database, order(document_id, replay_id=uuid7()))

    assert [lease.key.generation for lease in await pick(database)] == [2]


async def test_a_redelivered_order_does_not_disturb_its_own_generation(database: Database) -> None:
    again = order(uuid7(), generation=2)
    await take(database, again)
    (lease,) = await pick(database)

    await take(database, again)

    async with database.transaction() as tx:
        assert await picking.renew(tx, [lease], lease_s=30) == []


async def test_a_cancel_stops_a_generation_that_is_still_on_its_way(database: Database) -> None:
    document_id = uuid7()
    await take(database, order(document_id))
    (lease,) = await pick(database)
    async with database.transaction() as tx:
        (await settling.remove(tx, lease)).confirm()

    assert await cancel(database, document_id, generation=2) == 2
    await take(database, order(document_id, generation=2))
    await take(database, order(document_id, generation=3))

    assert [lease.key.generation for lease in await pick(database)] == [3]


async def test_a_cancel_that_comes_again_leaves_a_newer_generation_alone(
    database: Database,
) -> None:
    document_id = uuid7()
    await take(database, order(document_id, stage=Stage.INDEX))
    async with database.transaction() as tx:
        lanes = tuple(Priority)
        (lease,) = await picking.pick(tx, Stage.INDEX, lanes, worker="w", lease_s=30)
        (await settling.remove(tx, lease)).confirm()
    assert await cancel(database, document_id) is None
    await take(database, order(document_id, generation=2))

    assert await cancel(database, document_id) is None

    assert [lease.key.generation for lease in await pick(database)] == [2]
    assert await kinds(database) == []


async def test_a_cancel_leaves_the_index_alone_where_an_earlier_result_stays(
    database: Database,
) -> None:
    first, later = uuid7(), uuid7()

    await cancel(database, first)
    await cancel(database, later, generation=2, has_result=True)

    assert await kinds(database) == [("artifacts", "d/2/"), ("generation", "d/1/")]
