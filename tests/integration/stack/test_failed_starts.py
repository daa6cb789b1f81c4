"""A start that fails says which part, why, and where its log is; nothing is left running."""

import socket
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest
from tests.integration.stack.evidence import (
    PARTS,
    has_object,
    has_row,
    leave_object,
    leave_row,
    pids,
    record_of,
)

from docyard_stack.errors import StartFailedError
from docyard_stack.record import Phase
from docyard_stack.servers import Servers

pytestmark = [pytest.mark.integration, pytest.mark.fault]


def processes_of(data: Path) -> list[int]:
    return [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if str(data) in " ".join(process.info["cmdline"] or ())
    ]


def test_a_server_that_can_not_start_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    data = tmp_path / "stack"
    with Servers(data):
        pass
    (data / "kafka" / "log" / "meta.properties").write_text("cluster.id=another\n")

    with pytest.raises(StartFailedError, match="kafka could not start") as raised, Servers(data):
        pass

    assert raised.value.log == data / "logs" / "kafka.log"
    assert record_of(data).phase is Phase.FAILED
    assert pids(record_of(data)) == []
    assert processes_of(data) == []


def test_jars_that_can_not_be_fetched_are_named_by_their_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCYARD_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("DOCYARD_MAVEN_BASE", "http://127.0.0.1:1")
    data = tmp_path / "stack"

    with pytest.raises(StartFailedError, match=r"http://127\.0\.0\.1:1/"), Servers(data):
        pass

    assert processes_of(data) == []


def test_ports_taken_meanwhile_are_replaced_and_the_data_stay(tmp_path: Path) -> None:
    data = tmp_path / "stack"
    with Servers(data) as first:
        leave_row(first.database_url)
        leave_object(first)
    before = record_of(data).ports

    with ExitStack() as intruders:
        for name in PARTS:
            intruders.enter_context(socket.create_server(("127.0.0.1", before[name][0])))
        with Servers(data) as second:
            assert has_row(second.database_url)
            assert has_object(second)

    assert all(record_of(data).ports[name] != before[name] for name in PARTS)
