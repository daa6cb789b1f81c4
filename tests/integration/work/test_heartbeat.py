"""Runs are stopped when others have their row, and left alone while they settle."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from tests.integration.work.orders import order

from docyard_common.database import Database
from docyard_common.events.stages import Priority, Stage
from docyard_common.work import intake, picking, settling
from docyard_common.work.model import Lease
from processor.heartbeat import Heartbeat

pytestmark = pytest.mark.integration


@pytest.fixture
async def lease(database: Database) -> Lease:
    async with database.transaction() as tx:
        await intake.take(tx, [order()])
        (lease,) = await picking.pick(tx, Stage.VALIDATE, list(Priority), worker="w", lease_s=30)
    return lease


@pytest.fixture
async def run() -> AsyncIterator[asyncio.Task[None]]:
    async def work() -> None:
        await asyncio.Event().wait()

    run = asyncio.create_task(work())
    yield run
    run.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await run


async def test_a_run_is_stopped_once_its_row_was_missing_twice(
    database: Database, lease: Lease, run: asyncio.Task[None]
) -> None:
    """Once may be its own doing: a run that has just settled has no row any more."""
    heartbeat = Heartbeat(database=database, lease_s=30)
    heartbeat.hold(lease, run)
    async with database.transaction() as tx:
        (await settling.remove(tx, lease)).confirm()

    stopped = []
    for _ in range(2):
        await heartbeat.beat()
        stopped.append(bool(run.cancelling()))

    assert stopped == [False, True]


async def test_a_run_that_keeps_its_row_is_left_alone(
    database: Database, lease: Lease, run: asyncio.Task[None]
) -> None:
    heartbeat = Heartbeat(database=database, lease_s=30)
    heartbeat.hold(lease, run)

    for _ in range(2):
        await heartbeat.beat()

    assert not run.cancelling()
