"""A supervisor that is killed or stopped from outside leaves nothing running and no damage."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
import psycopg
import pytest
from tests.integration.stack.evidence import has_row, leave_row, pids, record_of
from tests.waiting import until

from docyard_stack import stopping
from docyard_stack.folder import StackFolder
from docyard_stack.record import Phase, StackRecord
from docyard_stack.servers import Servers

pytestmark = [pytest.mark.integration, pytest.mark.fault]


def start(data: Path) -> tuple[subprocess.Popen[bytes], str]:
    """Start servers in a process of their own; return it and the database's address."""
    file = data.with_suffix(".json")
    module = (sys.executable, "-m", "docyard_stack.servers")
    supervisor = subprocess.Popen((*module, "--data", data, "--json-file", file))
    until(file.exists)
    return supervisor, json.loads(file.read_text())["database_url"]


def family(record: StackRecord) -> list[psutil.Process]:
    """The parts and all below them: PostgreSQL's children hold its memory a little longer."""
    parts = [psutil.Process(pid) for pid in pids(record)]
    return parts + [child for part in parts for child in part.children(recursive=True)]


def test_after_kill_9_nothing_runs_and_the_next_start_finds_the_data(stack_data: Path) -> None:
    supervisor, url = start(stack_data)
    leave_row(url)
    before = record_of(stack_data)
    running = family(before)

    supervisor.kill()
    supervisor.wait()

    until(lambda: not any(process.is_running() for process in running))
    with Servers(stack_data) as again:
        assert record_of(stack_data).ports == before.ports
        assert has_row(again.database_url)


def test_a_stop_from_outside_ends_every_process(stack_data: Path) -> None:
    supervisor, _ = start(stack_data)
    running = pids(record_of(stack_data))

    assert stopping.stop(StackFolder(stack_data))

    assert supervisor.wait() == 0
    assert not any(psutil.pid_exists(pid) for pid in running)
    assert record_of(stack_data).phase is Phase.STOPPED
    assert not stopping.stop(StackFolder(stack_data))


@pytest.fixture
def outlived(stack_data: Path) -> Iterator[psutil.Process]:
    """A backend that computes, whose supervisor and server were killed.

    It does not look whether its server lives, and holds its memory.
    """
    supervisor, url = start(stack_data)
    leave_row(url)
    before = record_of(stack_data)
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        connection.pgconn.send_query(b"select count(*) from generate_series(1, 10000000000)")
        busy = psutil.Process(connection.info.backend_pid)

        supervisor.kill()
        supervisor.wait()
        until(lambda: not any(psutil.pid_exists(pid) for pid in pids(before)))
        assert busy.is_running()
        yield busy


def test_a_query_that_outlives_its_server_does_not_keep_the_next_one_from_starting(
    stack_data: Path, outlived: psutil.Process
) -> None:
    with Servers(stack_data) as again:
        assert has_row(again.database_url)
    assert not outlived.is_running()


def test_a_stop_after_kill_9_ends_a_query_that_outlived_its_server(
    stack_data: Path, outlived: psutil.Process
) -> None:
    stopping.stop(StackFolder(stack_data))

    assert not outlived.is_running()
    with Servers(stack_data) as again:
        assert has_row(again.database_url)
