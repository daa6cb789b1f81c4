"""`docyard up` and its kin: the servers and the four services as one."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from tests.integration.stack.evidence import PARTS, pids, record_of
from tests.waiting import until

from docyard_stack.folder import StackFolder
from docyard_stack.record import PartState
from docyard_stack.services import MODULES
from docyard_stack.status import is_running

pytestmark = [pytest.mark.integration, pytest.mark.fault]

ALL_PARTS = (*PARTS, *MODULES)


def docyard(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (sys.executable, "-m", "docyard", *arguments), capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def data(stack_folders: Callable[[], Path]) -> Iterator[Path]:
    folder = stack_folders()
    yield folder
    docyard("down", "--data", folder)


@pytest.fixture
def addresses(data: Path) -> Any:
    """A running stack, as `up` describes it; started when it does not run."""
    running = StackFolder(data).load()
    if running is not None and is_running(running) and running.addresses is not None:
        return running.addresses.model_dump()
    answer = docyard("up", "--detach", "--json", "--data", data)
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def states(data: Path) -> dict[str, PartState]:
    return {name: part.state for name, part in record_of(data).parts.items()}


def test_up_prints_one_object_with_every_address(addresses: Any, data: Path) -> None:
    assert addresses.keys() == {
        *("data", "ingest", "notifier", "dlq_admin", "metrics", "kafka", "database"),
        *("object_store", "token", "operator_token"),
    }
    assert addresses["data"] == str(data)
    assert addresses["metrics"].keys() == set(MODULES)


def test_a_second_up_finds_the_stack_running(addresses: Any, data: Path) -> None:
    again = docyard("up", "--detach", "--json", "--data", data)

    assert json.loads(again.stdout) == addresses


def test_status_names_every_part_in_the_order_of_its_start(addresses: Any, data: Path) -> None:
    answer = docyard("status", "--json", "--data", data)

    parts = json.loads(answer.stdout)["parts"]
    assert [part["name"] for part in parts] == list(ALL_PARTS)
    assert all(part.keys() >= {"pid", "state", "port", "uptime_s", "restarts"} for part in parts)
    assert {part["state"] for part in parts} == {"ready"}
    assert parts[3]["port"] == httpx.URL(addresses["ingest"]).port


def test_a_token_of_the_stack_is_believed_by_its_services(addresses: Any, data: Path) -> None:
    token = docyard("token", "--sub", "ada", "--data", data).stdout.strip()
    url = f"{addresses['ingest']}/api/v1/documents"

    with httpx.Client(trust_env=False) as client:
        assert client.get(url, headers={"Authorization": f"Bearer {token}"}).status_code == 200
        assert client.get(url).status_code == 401


def test_logs_are_told_apart_by_their_part(addresses: Any, data: Path) -> None:
    assert addresses
    answer = docyard("logs", "ingest", "--json", "-n", "3", "--data", data)

    lines = [json.loads(line) for line in answer.stdout.splitlines()]
    assert len(lines) == 3
    assert {line["part"] for line in lines} == {"ingest"}


def test_a_stack_without_containers_or_telemetry_listens_on_loopback_alone(
    addresses: Any, data: Path
) -> None:
    assert addresses
    listening = {
        connection.laddr.ip
        for pid in pids(record_of(data))
        for connection in psutil.Process(pid).net_connections(kind="tcp")
        if connection.status == psutil.CONN_LISTEN
    }

    assert listening <= {"127.0.0.1", "::ffff:127.0.0.1"}


@pytest.mark.parametrize("name", MODULES)
def test_a_killed_service_comes_back(addresses: Any, data: Path, name: str) -> None:
    assert addresses
    before = record_of(data).parts[name]
    assert before.process is not None

    os.kill(before.process.pid, signal.SIGKILL)

    until(lambda: record_of(data).parts[name].restarts > before.restarts)
    until(lambda: states(data)[name] is PartState.READY)
    assert record_of(data).parts[name].port == before.port


def test_a_killed_supervisor_takes_everything_along_and_up_starts_again(
    addresses: Any, data: Path
) -> None:
    before = record_of(data)
    assert before.supervisor is not None

    os.kill(before.supervisor.pid, signal.SIGKILL)

    until(lambda: not any(psutil.pid_exists(pid) for pid in pids(before)))
    assert docyard("status", "--data", data).returncode == 3
    again = json.loads(docyard("up", "--detach", "--json", "--data", data).stdout)
    assert again["ingest"] == addresses["ingest"]
    assert again["object_store"] == addresses["object_store"]


def test_down_leaves_nothing_running_and_erase_nothing_on_disk(addresses: Any, data: Path) -> None:
    assert addresses
    running = pids(record_of(data))

    stopped = docyard("down", "--erase", "--json", "--data", data)

    assert json.loads(stopped.stdout)["stopped"]
    assert not any(psutil.pid_exists(pid) for pid in running)
    assert StackFolder(data).load() is None
    assert not data.exists()


def test_a_service_that_refuses_its_settings_fails_the_start(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOG__LEVEL", "shouting")

    failed = docyard("up", "--detach", "--data", data)

    assert failed.returncode == 1
    assert "could not start" in failed.stderr
    assert str(data / "logs") in failed.stderr
    assert pids(record_of(data)) == []
