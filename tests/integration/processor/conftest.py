"""The processor's tables, a store and an index, all real."""

from collections.abc import AsyncIterator, Iterator

import pytest
from tests.integration.processor.reader import Reader, serving

from docyard_common.database import Database
from docyard_common.settings import DatabaseSettings, ObjectStoreSettings
from docyard_common.storage import MinioObjectStore


@pytest.fixture
async def database(database_settings: DatabaseSettings) -> AsyncIterator[Database]:
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
