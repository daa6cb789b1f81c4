"""Real servers for tests: one set a session, and a place of its own in each for every test."""

import asyncio
import json
import os
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any, Protocol
from uuid import uuid4

import hypothesis
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from minio import Minio
from minio.deleteobjects import DeleteObject
from pydantic import SecretStr
from tests.databases import Databases, empty_database

import dlq_admin
import ingest
import notifier
import processor
from docyard_common.api_keys import migrate_access
from docyard_common.database import migrate
from docyard_common.search import migrate_search
from docyard_common.settings import DatabaseSettings, KafkaSettings, ObjectStoreSettings
from docyard_stack.folder import StackFolder
from docyard_stack.servers import Addresses, ObjectStoreAddress, Servers

# One example may take long while others have the processors, or the first one of its kind.
hypothesis.settings.register_profile(
    "patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("patient")


class RunningServers(Protocol):
    """The servers that a session uses: its own, or those that DOCYARD_TEST_SERVERS names."""

    @property
    def kafka(self) -> str: ...

    @property
    def database_url(self) -> str: ...

    @property
    def object_store(self) -> ObjectStoreAddress: ...


class SharedServers:
    """Servers that run already; they are left running."""

    def __init__(self, addresses: Addresses) -> None:
        self.kafka = addresses["kafka"]
        self.database_url = addresses["database_url"]
        self.object_store = addresses["object_store"]


@pytest.fixture(scope="session")
def stack_folders() -> Iterator[Callable[[], Path]]:
    """Make folders for stacks, erased at the end.

    Unlike `tmp_path` they can be walked by the account that runs PostgreSQL when we are root. Their
    names are such as homes may have: each server reads paths in its own way.
    """
    made: list[Path] = []

    def make() -> Path:
        made.append(Path(mkdtemp(prefix="docyard-zoë, ")))
        made[-1].chmod(0o711)
        return made[-1] / "stack"

    yield make
    for parent in made:
        StackFolder(parent / "stack").erase()
        rmtree(parent)


@pytest.fixture
def stack_data(stack_folders: Callable[[], Path]) -> Path:
    """A folder for one stack, not made yet."""
    return stack_folders()


@pytest.fixture(scope="session")
def servers(stack_folders: Callable[[], Path]) -> Iterator[RunningServers]:
    shared = os.environ.get("DOCYARD_TEST_SERVERS")
    if shared:
        yield SharedServers(json.loads(Path(shared).read_text()))
        return
    with Servers(stack_folders()) as own:
        yield own


@pytest.fixture
def kafka_settings(servers: RunningServers) -> Iterator[KafkaSettings]:
    """A topic prefix of its own; its topics are deleted afterwards."""
    settings = KafkaSettings(
        bootstrap_servers=servers.kafka,
        topic_prefix=f"t-{uuid4().hex[:10]}",
        partitions=2,
        session_timeout_ms=6_000,
        heartbeat_interval_ms=500,
    )
    yield settings
    _run(_delete_topics(settings))


@pytest.fixture(scope="session")
def databases(servers: RunningServers) -> Iterator[Databases]:
    """Databases with every service's schema, made by one that is migrated."""
    with empty_database(servers.database_url) as url:
        _run(_migrate_all(_pool(url)))
        made = Databases(servers.database_url, template=url.rpartition("/")[2])
        yield made
        made.drop()


@pytest.fixture
def database_settings(databases: Databases) -> Iterator[DatabaseSettings]:
    """A fresh database, in which every service's schema is up to date and has no row."""
    with databases.one() as url:
        yield _pool(url)


@pytest.fixture
def empty_database_settings(servers: RunningServers) -> Iterator[DatabaseSettings]:
    """A fresh, empty database; the extension `vector` can be created in it."""
    with empty_database(servers.database_url) as url:
        yield _pool(url)


def _pool(url: str) -> DatabaseSettings:
    return DatabaseSettings(url=SecretStr(url), pool_min=1, pool_max=5)


async def _migrate_all(settings: DatabaseSettings) -> None:
    for module in (dlq_admin, ingest, notifier, processor):
        assert module.__file__
        locations = Path(module.__file__).parent / "migrations"
        await migrate(settings, schema=module.__name__, locations=locations)
    await migrate_access(settings)
    await migrate_search(settings)


@pytest.fixture
def object_store_settings(servers: RunningServers) -> Iterator[ObjectStoreSettings]:
    """A fresh, empty bucket."""
    address = servers.object_store
    settings = ObjectStoreSettings(
        endpoint=address["endpoint"],
        access_key=address["access_key"],
        secret_key=SecretStr(address["secret_key"]),
        bucket=f"t-{uuid4().hex[:10]}",
    )
    client = _minio(settings)
    client.make_bucket(bucket_name=settings.bucket)
    yield settings
    _delete_bucket(client, settings.bucket)


def _minio(settings: ObjectStoreSettings) -> Minio:
    return Minio(
        endpoint=settings.endpoint,
        access_key=settings.access_key,
        secret_key=settings.secret_key.get_secret_value(),
        secure=settings.secure,
        region=settings.region,
    )


def _delete_bucket(client: Minio, bucket: str) -> None:
    if not client.bucket_exists(bucket_name=bucket):
        return
    found = client.list_objects(bucket_name=bucket, recursive=True)
    names = [DeleteObject(entry.object_name) for entry in found if entry.object_name]
    failed = list(client.remove_objects(bucket_name=bucket, delete_object_list=names))
    assert not failed
    client.remove_bucket(bucket_name=bucket)


async def _delete_topics(settings: KafkaSettings) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.servers)
    await admin.start()
    try:
        own = [name for name in await admin.list_topics() if name.startswith(settings.topic_prefix)]
        if own:
            await admin.delete_topics(own)
    finally:
        await admin.close()


def _run(work: Coroutine[Any, Any, None]) -> None:
    # In a thread of its own: pytest-asyncio keeps an event loop on this one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()
