"""A task that is cancelled in the middle leaves nothing behind for the next user of the pool."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager

import pytest

from docyard_common.database import Database, Transaction
from docyard_common.settings import DatabaseSettings

pytestmark = pytest.mark.integration

ONE_CONNECTION = {"pool_min": 1, "pool_max": 1}
BUSY_S = 0.02
"""Four times as long as psycopg works on without giving way to other tasks."""

Lend = Callable[[Database], AbstractAsyncContextManager[Transaction]]


@pytest.fixture
async def database(database_settings: DatabaseSettings) -> AsyncIterator[Database]:
    settings = database_settings.model_copy(update=ONE_CONNECTION)
    database = Database(settings, schema="public", application_name="cancelled")
    await database.open()
    yield database
    await database.close()


async def cancelled(work: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run *work* and cancel it when it next gives way after it has set its event."""
    reached = asyncio.Event()

    async def run() -> None:
        await work(reached)

    task = asyncio.create_task(run())
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def check_fresh(database: Database) -> None:
    """Each statement is answered at once, and what is not committed is rolled back."""
    async with database.transaction() as tx:
        assert (await tx.execute("select where false")).rowcount == 0
        assert not tx.autocommit


@pytest.mark.parametrize("lend", [Database.transaction, Database.autocommit])
async def test_a_pipeline_that_was_being_entered_is_not_left_on(
    database: Database, lend: Lend
) -> None:
    async def enter_pipeline(reached: asyncio.Event) -> None:
        async with lend(database) as connection:
            reached.set()
            time.sleep(BUSY_S)  # noqa: ASYNC251 - a loop that is busy, as under load
            async with connection.pipeline():
                pytest.fail("the task was not cancelled while it entered")

    await cancelled(enter_pipeline)

    await check_fresh(database)


@pytest.mark.parametrize("lend", [Database.transaction, Database.autocommit])
async def test_a_statement_that_was_running_is_over(database: Database, lend: Lend) -> None:
    async def wait_for_server(reached: asyncio.Event) -> None:
        async with lend(database) as connection:
            reached.set()
            await connection.execute("select pg_sleep(3600)")

    await cancelled(wait_for_server)

    await check_fresh(database)


async def test_an_error_in_autocommit_leaves_no_autocommit(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        async with database.autocommit():
            raise ZeroDivisionError

    await check_fresh(database)
