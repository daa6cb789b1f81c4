"""The work table in a database of its own."""

from collections.abc import AsyncIterator

import pytest
from tests.integration.work.orders import MIGRATIONS, SCHEMA

from docyard_common.database import Database, migrate
from docyard_common.settings import DatabaseSettings


@pytest.fixture
async def database(database_settings: DatabaseSettings) -> AsyncIterator[Database]:
    await migrate(database_settings, schema=SCHEMA, locations=MIGRATIONS)
    database = Database(database_settings, schema=SCHEMA, application_name="test")
    await database.open()
    yield database
    await database.close()
