"""Ports for servers that will start: nobody else's, however many pick at once."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from docyard_stack.ports import free_ports, keep_ports

PICK = """
import sys
from docyard_stack.ports import free_ports
print(*free_ports(400), flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def claims(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of the test's own, for this process and those that it starts."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path / "docyard" / "ports.json"


@contextmanager
def picker() -> Iterator[set[int]]:
    """The ports that a process has picked and does not listen on; it ends with the block."""
    with subprocess.Popen(
        [sys.executable, "-c", PICK], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield set(map(int, process.stdout.readline().split()))
        process.communicate()


def written(claims: Path) -> set[int]:
    return set(map(int, json.loads(claims.read_text())["ports"]))


def test_processes_that_pick_at_once_never_meet() -> None:
    with ExitStack() as running:
        picked = [running.enter_context(picker()) for _ in range(3)]

        assert len(set.union(*picked)) == 3 * 400
        assert set.union(*picked).isdisjoint(free_ports(400))


def test_ports_of_a_living_process_can_not_be_kept_those_of_a_dead_one_can() -> None:
    with picker() as picked:
        assert not keep_ports(sorted(picked)[:2])

    assert keep_ports(sorted(picked)[:2])
    assert keep_ports(sorted(picked)[:2])


def test_what_dead_processes_picked_is_forgotten(claims: Path) -> None:
    with picker():
        pass

    (own,) = free_ports(1)

    assert written(claims) == {own}


def test_a_half_written_file_is_read_as_empty(claims: Path) -> None:
    free_ports(3)
    claims.write_text(claims.read_text()[:-9])

    (own,) = free_ports(1)

    assert written(claims) == {own}


def test_a_cache_that_can_not_be_written_costs_the_claims_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setenv("HOME", str(tmp_path / "file"))

    assert len(set(free_ports(3))) == 3
