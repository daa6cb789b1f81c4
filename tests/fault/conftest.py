"""Servers of their own, since these tests kill them; for each test a fleet with its own place."""

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from tests.fault.fleet import Fleet, Ledger, environment

from docyard_stack.servers import Servers


@pytest.fixture(scope="session")
def fault_servers(stack_folders: Callable[[], Path]) -> Iterator[Servers]:
    with Servers(stack_folders()) as servers:
        yield servers


@pytest.fixture
def database_url(fault_servers: Servers) -> str:
    name = f"f_{uuid4().hex[:10]}"
    with psycopg.connect(fault_servers.database_url, autocommit=True) as admin:
        admin.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    return fault_servers.database_url.rpartition("/")[0] + f"/{name}"


@pytest.fixture
def ledger(database_url: str) -> Ledger:
    return Ledger(database_url)


@pytest.fixture
def fleet_of(
    fault_servers: Servers, database_url: str, tmp_path: Path
) -> Iterator[Callable[..., Fleet]]:
    fleets: list[Fleet] = []

    def make(**settings: str) -> Fleet:
        store = fault_servers.object_store
        base = {
            "KAFKA__BOOTSTRAP_SERVERS": fault_servers.kafka,
            "KAFKA__TOPIC_PREFIX": f"f-{uuid4().hex[:10]}",
            "DATABASE__URL": database_url,
            "OBJECT_STORE__ENDPOINT": store["endpoint"],
            "OBJECT_STORE__ACCESS_KEY": store["access_key"],
            "OBJECT_STORE__SECRET_KEY": store["secret_key"],
            "OBJECT_STORE__BUCKET": f"f-{uuid4().hex[:10]}",
        }
        fleets.append(Fleet(tmp_path, environment({**base, **settings})))
        return fleets[-1]

    yield make
    for fleet in fleets:
        fleet.stop()
