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


def test_a_server_that_can_not_start_is_named_and_nothing_is_left(stack_data: Path) -> None:
    with Servers(stack_data):
        pass
    (stack_data / "kafka" / "log" / "meta.properties").write_text("cluster.id=another\n")

    with (
        pytest.raises(StartFailedError, match="kafka could not start") as raised,
        Servers(stack_data),
    ):
        pass

    assert raised.value.log == stack_data / "logs" / "kafka.log"
    assert record_of(stack_data).phase is Phase.FAILED
    assert pids(record_of(stack_data)) == []
    assert processes_of(stack_data) == []


def test_jars_that_can_not_be_fetched_are_named_by_their_address(
    stack_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCYARD_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("DOCYARD_MAVEN_BASE", "http://127.0.0.1:1")

    with pytest.raises(StartFailedError, match=r"http://127\.0\.0\.1:1/"), Servers(stack_data):
        pass

    assert processes_of(stack_data) == []


def test_ports_taken_meanwhile_are_replaced_and_the_data_stay(stack_data: Path) -> None:
    with Servers(stack_data) as first:
        leave_row(first.database_url)
        leave_object(first)
    before = record_of(stack_data).ports

    with ExitStack() as intruders:
        for name in PARTS:
            intruders.enter_context(socket.create_server(("127.0.0.1", before[name][0])))
        with Servers(stack_data) as second:
            assert has_row(second.database_url)
            assert has_object(second)

    assert all(record_of(stack_data).ports[name] != before[name] for name in PARTS)
