"""A service process: two ports, logs on stdout, and a bounded end."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.integration

Start = Callable[..., "Service"]


class Service:
    """A running service; its log lines are read as they come."""

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, str(Path(__file__).with_name("service.py")), *arguments]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def wait_for(self, event: str) -> dict[str, Any]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            entry: dict[str, Any] = json.loads(line)
            if entry["event"] == event:
                return entry
        raise AssertionError(f"{event} was not logged: {self.process.communicate()}")

    def listening(self) -> tuple[str, str]:
        entry = self.wait_for("http.listening")
        urls = [f"http://127.0.0.1:{entry[name]}" for name in ("port", "metrics_port")]
        httpx.get(f"{urls[0]}/health/live", timeout=60)
        return urls[0], urls[1]

    def end(self) -> tuple[int, list[dict[str, Any]], str]:
        stdout, stderr = self.process.communicate(timeout=60)
        return self.process.returncode, [json.loads(line) for line in stdout.splitlines()], stderr


@pytest.fixture
def start() -> Iterator[Start]:
    services: list[Service] = []

    def started(*arguments: str) -> Service:
        services.append(Service(*arguments))
        return services[-1]

    yield started
    for service in services:
        service.process.kill()
        service.process.communicate()


def test_both_ports_answer_and_sigterm_ends_it_with_zero(start: Start) -> None:
    service = start("0", "0")
    public, internal = service.listening()

    assert httpx.get(f"{public}/health", timeout=60).json()["status"] == "ok"
    assert httpx.get(f"{internal}/health/ready", timeout=60).status_code == 200
    assert "http_server_active_requests" in httpx.get(f"{internal}/metrics", timeout=60).text
    assert httpx.get(f"{internal}/endless", timeout=60).status_code == 404
    service.process.send_signal(signal.SIGTERM)

    code, _, stderr = service.end()
    assert code == 0
    assert stderr == ""


def test_an_endless_stream_does_not_hold_up_the_end(start: Start) -> None:
    service = start("0", "0")
    public, _ = service.listening()

    with httpx.stream("GET", f"{public}/endless", timeout=60) as answer:
        pieces = answer.iter_raw()
        next(pieces)
        service.process.send_signal(signal.SIGTERM)
        with pytest.raises(httpx.HTTPError):
            for _ in pieces:
                pass

    assert service.end()[0] == 0


def test_a_client_that_goes_away_is_no_error(start: Start) -> None:
    service = start("0", "0")
    public, _ = service.listening()
    address = public.removeprefix("http://").split(":")
    for head in (
        b"POST /swallow HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf",
        b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n",
    ):
        with socket.create_connection((address[0], int(address[1]))) as connection:
            connection.sendall(head)
            if head.startswith(b"GET"):
                connection.recv(100)
        entry = service.wait_for("http.request")
        while entry["route"] == "/health/live":
            entry = service.wait_for("http.request")
        assert entry["route"] in {"/swallow", "/endless"}

    service.process.send_signal(signal.SIGTERM)
    code, lines, _ = service.end()
    assert code == 0
    assert not [line for line in lines if line["level"] in {"error", "critical"}]


def test_a_thread_that_hangs_does_not_hold_up_the_end(start: Start) -> None:
    service = start("0", "0")
    public, _ = service.listening()
    with httpx.stream("GET", f"{public}/polite", timeout=60):
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(f"{public}/hang", timeout=httpx.Timeout(60, read=0.5))
        service.process.send_signal(signal.SIGTERM)

    assert service.end()[0] == 1


def test_a_stream_that_watches_for_the_end_can_say_goodbye(start: Start) -> None:
    service = start("0", "0")
    public, _ = service.listening()

    with httpx.stream("GET", f"{public}/polite", timeout=60) as answer:
        pieces = answer.iter_text()
        assert next(pieces) == "hello"
        service.process.send_signal(signal.SIGTERM)
        assert "".join(pieces) == " and goodbye"

    assert service.end()[0] == 0


def test_a_background_task_that_dies_ends_the_process_with_one(start: Start) -> None:
    code, lines, _ = start("0", "0", "die").end()

    assert code == 1
    assert "background.ended" in [line["event"] for line in lines]


def test_a_start_that_fails_ends_the_process_with_one(start: Start) -> None:
    code, lines, stderr = start("0", "0", "no-start").end()

    assert code == 1
    assert "the database is not what it should be" in json.dumps(lines)
    assert stderr == ""


def test_a_start_that_is_no_longer_wanted_ends_with_zero(start: Start) -> None:
    service = start("0", "0", "slow-start")
    service.wait_for("http.listening")

    service.process.send_signal(signal.SIGTERM)

    assert service.end()[0] == 0


def test_a_service_that_still_starts_is_alive_and_not_ready(start: Start) -> None:
    service = start("0", "0", "slow-start")
    internal = f"http://127.0.0.1:{service.wait_for('http.listening')['metrics_port']}"

    assert httpx.get(f"{internal}/health/live", timeout=60).status_code == 200
    assert httpx.get(f"{internal}/health/ready", timeout=60).status_code == 503


def test_a_taken_port_is_named(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, lines, _ = start(str(port), "0").end()

    assert code == 1
    assert [(line["event"], line["port"]) for line in lines] == [("http.port_taken", port)]
