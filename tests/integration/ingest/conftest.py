"""An ingest of its own for each test; Kafka is away unless a test asks: uploads need none."""

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr
from tests.integration.ingest.serving import SECRET, RunningIngest, connected, running, tables

from docyard_common.clock import SystemClock
from docyard_common.database import Database
from docyard_common.outbox import Outbox
from docyard_common.settings import (
    AuthSettings,
    DatabaseSettings,
    KafkaSettings,
    ObjectStoreSettings,
)
from ingest.projector import Projector
from ingest.settings import (
    IngestSettings,
    LimitSettings,
    PublicSettings,
    SearchSettings,
)

MIB = 1024 * 1024


@pytest.fixture
def ingest_settings(
    database_settings: DatabaseSettings, object_store_settings: ObjectStoreSettings
) -> IngestSettings:
    return IngestSettings(
        kafka=KafkaSettings(bootstrap_servers="127.0.0.1:1"),
        database=database_settings,
        object_store=object_store_settings,
        auth=AuthSettings(secret=SecretStr(SECRET)),
        limits=LimitSettings(
            max_file_bytes=24 * MIB,
            max_uploads_in_flight=0,
            requests_per_minute=0,
            uploads_per_minute=0,
        ),
        public=PublicSettings(notifier_url="http://live.example"),
        search=SearchSettings(warm=False),
    )


@pytest.fixture
async def ingest(ingest_settings: IngestSettings) -> AsyncIterator[RunningIngest]:
    async with running(ingest_settings) as service:
        yield service


@pytest.fixture
async def database(ingest: RunningIngest) -> AsyncIterator[Database]:
    """The tables of that ingest."""
    async with connected(tables(ingest.settings, "ingest")) as database:
        yield database


@pytest.fixture
async def search_database(ingest: RunningIngest) -> AsyncIterator[Database]:
    """Those that the processor writes and ingest searches."""
    async with connected(tables(ingest.settings, "search")) as database:
        yield database


@pytest.fixture
def projector(database: Database) -> Projector:
    """What keeps that ingest's rows true; the test hands it events."""
    return Projector(database=database, outbox=Outbox(source="ingest"), clock=SystemClock())
