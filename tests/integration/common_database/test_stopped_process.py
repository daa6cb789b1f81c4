"""A process that is stopped in the middle of a transaction, but not dead, keeps nobody waiting.

It is played by a connection on which nothing happens any more: the server sees no difference.
"""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from tests.waiting import eventually

from docyard_common.database import Database, lock_document
from docyard_common.errors import DependencyUnavailableError
from docyard_common.settings import DatabaseSettings

pytestmark = pytest.mark.integration

WANTED = UUID(int=7)
SHORT = {"idle_transaction_s": 1, "transaction_s": 2}
LONG_ENOUGH_S = 60


@pytest.fixture
async def database(database_settings: DatabaseSettings) -> AsyncIterator[Database]:
    settings = database_settings.model_copy(update=SHORT)
    database = Database(settings, schema="public", application_name="stopped")
    await database.open()
    yield database
    await database.close()


async def locked_by_another(database: Database) -> None:
    """Return once another transaction has had the lock."""
    async with asyncio.timeout(LONG_ENOUGH_S), database.transaction() as other:
        await lock_document(other, WANTED)


async def test_a_transaction_that_stops_between_two_statements_is_ended(
    database: Database,
) -> None:
    async def stopped() -> None:
        async with database.transaction() as tx:
            await lock_document(tx, WANTED)
            await locked_by_another(database)

    with pytest.raises(DependencyUnavailableError):
        await stopped()


async def test_a_transaction_that_stops_in_the_middle_of_a_pipeline_is_ended(
    database: Database,
) -> None:
    """The server waits for the pipeline's end: it calls that active, not idle."""

    async def stopped() -> None:
        async with database.transaction() as tx, tx.pipeline():
            await lock_document(tx, WANTED)
            await is_active(database, tx.info.backend_pid)
            await locked_by_another(database)

    with pytest.raises(DependencyUnavailableError):
        await stopped()


async def is_active(database: Database, pid: int) -> None:
    """Return when that session holds its lock, and waits for its client without being idle."""
    query = """
        select from pg_stat_activity a join pg_locks l using (pid)
        where pid = %s and state = 'active' and wait_event = 'ClientRead'
            and locktype = 'advisory'
    """

    async def holds() -> bool:
        async with database.autocommit() as connection:
            return (await connection.execute(query, (pid,))).rowcount > 0

    await eventually(holds)
