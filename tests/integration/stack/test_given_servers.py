"""Servers that the environment names are used instead of starting our own."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from tests.integration.stack.evidence import pids, record_of
from tests.waiting import until

from docyard_stack import stopping
from docyard_stack.folder import StackFolder

pytestmark = pytest.mark.integration


def docyard(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (sys.executable, "-m", "docyard", *arguments), capture_output=True, text=True, check=False
    )


def test_given_servers_are_used_and_left_alone(given: str, stack_data: Path) -> None:
    started = docyard("up", "--detach", "--json", "--data", stack_data)
    status = docyard("status", "--json", "--data", stack_data)
    stopping.stop(StackFolder(stack_data))

    assert started.returncode == 0, started.stderr
    assert json.loads(started.stdout)["kafka"] == given
    states = {part["name"]: part["state"] for part in json.loads(status.stdout)["parts"]}
    assert {name for name, state in states.items() if state == "external"} == {
        *("postgres", "object-store", "kafka")
    }
    assert states["ingest"] == "ready"
    assert not (stack_data / "kafka").exists()


def attached(data: Path) -> subprocess.Popen[str]:
    command = (sys.executable, "-m", "docyard", "up", "--json", "--data", data)
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_ctrl_c_stops_an_attached_stack(given: str, stack_data: Path) -> None:
    with attached(stack_data) as up:
        assert up.stdout is not None
        assert json.loads(up.stdout.readline())["kafka"] == given
        running = pids(record_of(stack_data))
        up.send_signal(signal.SIGINT)

        assert up.wait() == 0
        up.communicate()

    assert running
    assert not any(psutil.pid_exists(pid) for pid in running)


@pytest.mark.usefixtures("given")
def test_ctrl_c_during_the_start_leaves_nothing_running(stack_data: Path) -> None:
    with attached(stack_data) as up:
        until((stack_data / "stack.json").exists)
        until(lambda: pids(record_of(stack_data)) != [])
        running = pids(record_of(stack_data))
        up.send_signal(signal.SIGINT)

        assert up.wait() == 130
        up.communicate()

    assert not any(psutil.pid_exists(pid) for pid in running)
