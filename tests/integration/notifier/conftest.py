"""A running notifier, shared by the tests of a module; every test has users of its own."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import psycopg
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer
from psycopg import sql
from pydantic import SecretStr
from tests.conftest import RunningServers
from tests.integration.notifier.running import Notifier, Publisher, delete_topics

from docyard_common.kafka.admin import ensure_topics
from docyard_common.settings import DatabaseSettings, KafkaSettings


@pytest.fixture(scope="module")
def kafka(servers: RunningServers) -> Iterator[KafkaSettings]:
    settings = KafkaSettings(
        bootstrap_servers=servers.kafka,
        topic_prefix=f"t-{uuid4().hex[:10]}",
        partitions=2,
        session_timeout_ms=6_000,
        heartbeat_interval_ms=500,
    )
    asyncio.run(ensure_topics(settings))
    yield settings
    asyncio.run(delete_topics(settings))


@pytest.fixture(scope="module")
def database(servers: RunningServers) -> Iterator[DatabaseSettings]:
    name = f"t_{uuid4().hex[:10]}"
    with psycopg.connect(servers.database_url, autocommit=True) as admin:
        admin.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        url = servers.database_url.rpartition("/")[0] + f"/{name}"
        yield DatabaseSettings(url=SecretStr(url), pool_min=1, pool_max=5)
        admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def publisher(kafka: KafkaSettings) -> AsyncIterator[Publisher]:
    async with AIOKafkaProducer(bootstrap_servers=kafka.servers) as producer:
        yield Publisher(kafka, producer)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def notifier(kafka: KafkaSettings, database: DatabaseSettings) -> AsyncIterator[Notifier]:
    async with Notifier(kafka, database) as running:
        yield running


@pytest.fixture
def owner() -> str:
    """A user that no other test knows."""
    return f"user-{uuid4().hex[:10]}"
