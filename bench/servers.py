"""The servers that benchmarks of ingest run against, and what its process is told of them."""

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
from minio import Minio
from psycopg import sql
from pydantic import SecretStr

from docyard_common.settings import ObjectStoreSettings
from docyard_stack.servers import Addresses, Servers


@dataclass(frozen=True)
class Place:
    """A database and a bucket of one run."""

    kafka: str
    database_url: str
    store: ObjectStoreSettings
    store_process: psutil.Process | None  # None: a store of somebody else, busy with other things

    @property
    def environment(self) -> dict[str, str]:
        """What a service must be told."""
        return {
            "KAFKA__BOOTSTRAP_SERVERS": self.kafka,
            "KAFKA__TOPIC_PREFIX": self.store.bucket,
            "KAFKA__PARTITIONS": "1",
            "DATABASE__URL": self.database_url,
            "OBJECT_STORE__ENDPOINT": self.store.endpoint,
            "OBJECT_STORE__ACCESS_KEY": self.store.access_key,
            "OBJECT_STORE__SECRET_KEY": self.store.secret_key.get_secret_value(),
            "OBJECT_STORE__BUCKET": self.store.bucket,
        }

    def sdk(self) -> Minio:
        """Return the SDK as anybody uses it."""
        return Minio(
            endpoint=self.store.endpoint,
            access_key=self.store.access_key,
            secret_key=self.store.secret_key.get_secret_value(),
            secure=self.store.secure,
            region=self.store.region,
        )


@contextlib.contextmanager
def place(folder: Path) -> Iterator[Place]:
    """Yield a place in servers that run (DOCYARD_TEST_SERVERS names them), or in some of our own.

    Their folder is *folder*.
    """
    shared = os.environ.get("DOCYARD_TEST_SERVERS")
    if shared:
        address: Addresses = json.loads(Path(shared).read_text())
        with _database(address) as url:
            yield _place(address, url, None)
        return
    with Servers(folder) as own:
        identity = own.part("object-store").process
        process = None if identity is None else psutil.Process(identity.pid)
        yield _place(own.addresses, own.database_url, process)


@contextlib.contextmanager
def _database(address: Addresses) -> Iterator[str]:
    name = f"bench_{os.getpid()}"
    with psycopg.connect(address["database_url"], autocommit=True) as admin:
        admin.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        try:
            yield address["database_url"].rpartition("/")[0] + f"/{name}"
        finally:
            admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def _place(address: Addresses, database_url: str, process: psutil.Process | None) -> Place:
    store = address["object_store"]
    settings = ObjectStoreSettings(
        endpoint=store["endpoint"],
        access_key=store["access_key"],
        secret_key=SecretStr(store["secret_key"]),
        bucket=f"bench-{os.getpid()}",
    )
    return Place(address["kafka"], database_url, settings, process)
