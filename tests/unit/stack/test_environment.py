"""What a stack takes from the environment, and what its services are told."""

import os
from pathlib import Path
from tempfile import gettempdir

import pytest

from docyard_stack.addresses import ObjectStoreAddress
from docyard_stack.environment import Endpoints, GivenServers, for_services
from docyard_stack.errors import StackError

ENDPOINTS = Endpoints(
    kafka="127.0.0.1:1",
    database_url="postgresql://u:p@127.0.0.1:2/db",
    object_store=ObjectStoreAddress(endpoint="127.0.0.1:3", access_key="a", secret_key="s"),
)


def test_an_empty_environment_gives_no_server() -> None:
    assert GivenServers.of({}) == GivenServers(None, None, None)


def test_servers_are_taken_from_the_environment() -> None:
    given = GivenServers.of(
        {
            "KAFKA__BOOTSTRAP_SERVERS": "k:9092",
            "DATABASE__URL": "postgresql://d",
            "OBJECT_STORE__ENDPOINT": "s:9000",
            "OBJECT_STORE__ACCESS_KEY": "a",
            "OBJECT_STORE__SECRET_KEY": "b",
        }
    )

    assert given.kafka == "k:9092"
    assert given.database_url == "postgresql://d"
    assert given.object_store == ObjectStoreAddress(
        endpoint="s:9000", access_key="a", secret_key="b"
    )


def test_a_store_without_keys_is_refused() -> None:
    with pytest.raises(StackError, match="OBJECT_STORE__SECRET_KEY"):
        GivenServers.of({"OBJECT_STORE__ENDPOINT": "s:9000", "OBJECT_STORE__ACCESS_KEY": "a"})


def test_a_foreign_token_issuer_is_refused() -> None:
    with pytest.raises(StackError, match="AUTH__JWKS_URL"):
        GivenServers.of({"AUTH__JWKS_URL": "https://issuer"})


def test_services_are_told_where_the_servers_are() -> None:
    told = for_services({}, ENDPOINTS, auth_secret="key")

    assert told["KAFKA__BOOTSTRAP_SERVERS"] == "127.0.0.1:1"
    assert told["DATABASE__URL"] == "postgresql://u:p@127.0.0.1:2/db"
    assert told["OBJECT_STORE__ENDPOINT"] == "127.0.0.1:3"
    assert told["OBJECT_STORE__SECRET_KEY"] == "s"
    assert told["AUTH__SECRET"] == "key"


def test_folder_jobs_may_read_a_persons_home_and_temp_folder_unless_that_is_said() -> None:
    told = for_services({}, ENDPOINTS, auth_secret="key")
    said = for_services({"SYNC_ROOTS": "/srv"}, ENDPOINTS, auth_secret="key")

    assert told["SYNC__ROOTS"].split(os.pathsep) == [str(Path.home()), gettempdir()]
    assert "SYNC__ROOTS" not in said


def test_a_person_s_own_settings_reach_the_services() -> None:
    told = for_services({"KAFKA__SESSION_TIMEOUT_MS": "45000"}, ENDPOINTS, auth_secret="key")

    assert told["KAFKA__SESSION_TIMEOUT_MS"] == "45000"


def test_heaps_of_services_are_few_unless_somebody_says_otherwise() -> None:
    told = for_services({}, ENDPOINTS, auth_secret="key")
    mine = for_services({"GLIBC_TUNABLES": "x=1"}, ENDPOINTS, auth_secret="key")

    assert "arena_max=2" in told["GLIBC_TUNABLES"]
    assert "tcache_count=0" in told["GLIBC_TUNABLES"]
    assert mine["GLIBC_TUNABLES"] == "x=1"
