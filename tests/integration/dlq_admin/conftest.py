"""A database of this service for every test, and its handlers over it."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import httpx
import pytest
from tests.integration.dlq_admin.asking import served
from tests.unit.dlq_admin.letters import NOON

from dlq_admin.app import SCHEMA
from dlq_admin.consumers.indexer import Indexer
from dlq_admin.consumers.resolver import Resolver
from dlq_admin.replaying.edits import Entries
from dlq_admin.replaying.orders import Orders
from dlq_admin.replaying.runner import Runner
from docyard_common.clock import SystemClock
from docyard_common.database import Database
from docyard_common.outbox import Outbox
from docyard_common.settings import DatabaseSettings

MAX_REPLAYS = 2


class Hands:
    """The clock of a test: it moves when it is told to."""

    def __init__(self) -> None:
        self.time = NOON + timedelta(hours=1)

    def now(self) -> datetime:
        return self.time


@pytest.fixture
async def database(database_settings: DatabaseSettings) -> AsyncIterator[Database]:
    opened = Database(database_settings, schema=SCHEMA, application_name="test")
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def indexer(database: Database) -> Indexer:
    return Indexer(database, max_replays=MAX_REPLAYS, retention=timedelta(days=30))


@pytest.fixture
def resolver(database: Database) -> Resolver:
    return Resolver(database)


@pytest.fixture
def orders(database: Database) -> Orders:
    return Orders(database, clock=SystemClock())


@pytest.fixture
def entries(database: Database) -> Entries:
    return Entries(database, outbox=Outbox(source="dlq-admin"))


@pytest.fixture
def runner(database: Database, hands: Hands) -> Runner:
    return Runner(database, outbox=Outbox(source="dlq-admin"), clock=hands, owner="one")


@pytest.fixture
async def client(
    database: Database, database_settings: DatabaseSettings
) -> AsyncIterator[httpx.AsyncClient]:
    async with served(database, database_settings) as opened:
        yield opened
