"""Dead rows stay for a month: what looks at the table all the time does not read them."""

from collections.abc import AsyncIterator

import pytest
from tests.integration.work.orders import SCHEMA, order

from docyard_common.database import Database
from docyard_common.delivery.memory import Estimates
from docyard_common.events.envelope import Event
from docyard_common.events.stages import Priority, Stage
from docyard_common.settings import DatabaseSettings
from docyard_common.work import intake
from processor.housekeeping import Housekeeping
from processor.memory_history import MemoryHistory
from processor.observer import Observer

pytestmark = pytest.mark.integration
DEAD, OLD = 2_000, 10
DIE = """
insert into work select (jsonb_populate_record(w, jsonb_build_object(
    'document_id', gen_random_uuid(), 'state', 'dead', 'waiting_since', now() - age * interval '1 d'
))).* from work w, unnest(%s::int[]) age
"""
FLUSH = "select pg_stat_force_next_flush()"
SCANS = "select seq_scan from pg_stat_user_tables where schemaname = %s and relname = 'work'"


async def nowhere(topic: str, event: Event) -> None:
    del topic, event


@pytest.fixture
async def connection(
    database: Database, database_settings: DatabaseSettings
) -> AsyncIterator[Database]:
    """One connection, whose own statistics can be flushed; beside it one waiting row, many dead."""
    async with database.transaction() as tx:
        await intake.take(tx, [order()])
        await tx.execute(DIE, ([1] * DEAD + [32] * OLD,))
    async with database.autocommit() as tx:
        await tx.execute("vacuum analyze work")  # as autovacuum does
        await tx.execute(FLUSH)
    one = database_settings.model_copy(update={"pool_min": 1, "pool_max": 1})
    pool = Database(one, schema=SCHEMA, application_name="test")
    await pool.open()
    yield pool
    await pool.close()


async def scans(connection: Database) -> int:
    """Return how often *connection* and those before it have read the whole table."""
    async with connection.autocommit() as tx:
        await tx.execute(FLUSH)
        row = await (await tx.execute(SCANS, (SCHEMA,))).fetchone()
    assert row is not None
    return int(row["seq_scan"])


async def test_counting_and_forgetting_dead_rows_reads_no_whole_table(
    connection: Database,
) -> None:
    observer = Observer(
        database=connection, publish=nowhere, worker="a", slots=lambda: {Stage.VALIDATE: 1}
    )
    memory = MemoryHistory(Estimates(limit_bytes=2**31), database=connection)
    housekeeping = Housekeeping([Stage.VALIDATE], database=connection, memory=memory)
    before = await scans(connection)

    first = await observer.observe()
    await housekeeping.tidy()
    second = await observer.observe()

    assert await scans(connection) == before
    assert first is not None
    assert second is not None
    assert [one.stages[0].dead for one in (first, second)] == [DEAD + OLD, DEAD]
    assert first.stages[0].waiting[Priority.NORMAL] == 1
