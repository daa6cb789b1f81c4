"""Counting together over a real Valkey or Redis; skipped where none is installed."""

import asyncio
import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.waiting import eventually

from docyard_common.rate_limits import RatePolicy
from docyard_common.rate_limits.limiter import RateLimiter
from docyard_stack.ports import free_ports

pytestmark = pytest.mark.integration

POLICY = RatePolicy("requests", 60, burst=10)
SERVER = (
    os.environ.get("DOCYARD_VALKEY_SERVER")
    or shutil.which("valkey-server")
    or shutil.which("redis-server")
)


class Counters:
    """A server of the test's own."""

    def __init__(self, folder: Path) -> None:
        (self.port,) = free_ports(1)
        self._folder = folder
        self.limiters: list[RateLimiter] = []
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def limiter(self) -> RateLimiter:
        """Return what one replica counts with."""
        self.limiters.append(RateLimiter(shared_url=self.url))
        return self.limiters[-1]

    def start(self) -> None:
        assert SERVER is not None
        arguments = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        self._process = subprocess.Popen(
            [SERVER, *arguments], cwd=self._folder, stdout=subprocess.DEVNULL
        )

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    def answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(7) == b"+PONG\r\n"
        except OSError:
            return False


@pytest.fixture
async def counters(tmp_path: Path) -> AsyncIterator[Counters]:
    if SERVER is None:
        pytest.skip("no valkey-server or redis-server; DOCYARD_VALKEY_SERVER names one")
    counters = Counters(tmp_path)
    await eventually(counters.answers)
    yield counters
    await asyncio.gather(*(limiter.close() for limiter in counters.limiters))
    counters.stop()


async def test_replicas_count_together(counters: Counters, monkeypatch: pytest.MonkeyPatch) -> None:
    # On a busy machine each would soon count alone.
    monkeypatch.setattr("docyard_common.rate_limits.limiter._SHARED_TIMEOUT_S", 30.0)
    slow = RatePolicy("requests", 1, burst=10)
    replicas = counters.limiter(), counters.limiter()

    verdicts = [await replica.hit(slow, "ann") for _ in range(6) for replica in replicas]

    assert [verdict.allowed for verdict in verdicts] == [True] * 10 + [False] * 2
    assert 0 < verdicts[-1].retry_after_s <= 60


async def test_killed_server_refuses_nobody_and_is_used_again(counters: Counters) -> None:
    limiter = counters.limiter()
    for _ in range(10):
        await limiter.hit(POLICY, "ann")
    counters.stop()

    assert (await limiter.hit(POLICY, "ann")).allowed

    counters.start()
    await eventually(counters.answers)
    other = counters.limiter()

    async def seen_by_the_other() -> bool:
        await limiter.hit(POLICY, "bob")
        return (await other.hit(POLICY, "bob")).remaining < 9

    await eventually(seen_by_the_other)
