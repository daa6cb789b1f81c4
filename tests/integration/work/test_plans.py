"""The pick is planned once: PostgreSQL is told to, and does."""

import pytest
from tests.integration.work.orders import SCHEMA

from docyard_common.database import Database
from docyard_common.events.stages import Priority, Stage
from docyard_common.settings import DatabaseSettings
from docyard_common.work import picking

_PLANS = """
select generic_plans, custom_plans from pg_prepared_statements
where statement like '%with recursive owners%'
"""
_PICKS = 12
"""psycopg prepares a statement with its sixth use."""


@pytest.mark.usefixtures("database")  # it makes the tables
async def test_a_pick_is_planned_once_a_connection(
    database_settings: DatabaseSettings,
) -> None:
    """The pool of the processor plans for all parameters alike."""
    one = database_settings.model_copy(update={"pool_min": 1, "pool_max": 1})
    pool = Database(one, schema=SCHEMA, application_name="test", generic_plans=True)
    await pool.open()
    try:
        async with pool.autocommit() as tx:
            for _ in range(_PICKS):
                await picking.pick(tx, Stage.VALIDATE, list(Priority), worker="one", lease_s=30)
            plans = await (await tx.execute(_PLANS)).fetchall()
    finally:
        await pool.close()
    assert [plan["custom_plans"] for plan in plans] == [0]
    assert plans[0]["generic_plans"] >= _PICKS - 6
