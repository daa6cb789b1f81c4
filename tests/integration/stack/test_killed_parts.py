"""A server that dies by kill -9 comes back on its port, with everything it had acknowledged."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.integration.stack.evidence import (
    PARTS,
    has_object,
    has_record,
    has_row,
    leave_object,
    leave_record,
    leave_row,
)
from tests.waiting import until

from docyard_stack.errors import FolderInUseError
from docyard_stack.record import PartState
from docyard_stack.servers import Servers

pytestmark = [pytest.mark.integration, pytest.mark.fault]


@pytest.fixture(scope="module")
def running(stack_folders: Callable[[], Path]) -> Iterator[Servers]:
    with Servers(stack_folders()) as servers:
        yield servers


def kill_and_await_return(servers: Servers, name: str) -> None:
    before = after = servers.part(name)
    assert before.process is not None
    killed = before.process.pid

    def is_back() -> bool:
        nonlocal after
        after = servers.part(name)
        if after.state is not PartState.READY or after.process is None:
            return False
        return after.process.pid != killed

    os.kill(killed, signal.SIGKILL)
    until(is_back)
    assert after.restarts > before.restarts
    assert after.port == before.port


def test_a_killed_database_comes_back_with_every_committed_row(running: Servers) -> None:
    leave_row(running.database_url)

    kill_and_await_return(running, "postgres")

    assert has_row(running.database_url)


def test_a_killed_store_comes_back_with_every_object(running: Servers) -> None:
    leave_object(running)

    kill_and_await_return(running, "object-store")

    assert has_object(running)


async def test_a_killed_broker_comes_back_with_every_record(running: Servers) -> None:
    await leave_record(running)

    kill_and_await_return(running, "kafka")

    assert await has_record(running)


def test_two_sets_of_servers_run_side_by_side(running: Servers, stack_data: Path) -> None:
    with Servers(stack_data) as other:
        assert other.database_url != running.database_url
        assert other.kafka != running.kafka
        assert other.object_store["endpoint"] != running.object_store["endpoint"]


def test_a_folder_in_use_is_refused(running: Servers) -> None:
    data = Path(running.addresses["data"])

    with pytest.raises(FolderInUseError), Servers(data):
        pass

    assert all(running.is_ready(name) for name in PARTS)
