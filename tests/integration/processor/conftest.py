"""The processor's tables, a store and an index, all real."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.integration.processor.reader import Reader, serving

import processor
from docyard_common.database import Database, migrate
from docyard_common.settings import DatabaseSettings, ObjectStoreSettings
from docyard_common.storage import MinioObjectStore


@pytest.fixture
async def database(database_settings: DatabaseSettings) -> AsyncIterator[Database]:
    migrations = Path(processor.__file__).parent / "migrations"
    await migrate(database_settings, schema="processor", locations=migrations)
    database = Database(database_settings, schema="processor", application_name="test")
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def objects(object_store_settings: ObjectStoreSettings) -> Iterator[MinioObjectStore]:
    store = MinioObjectStore(object_store_settings)
    yield store
    store.close()


@pytest.fixture
def reader() -> Iterator[Reader]:
    with serving() as reader:
        yield reader
