"""Real processes on real servers, to be killed, paused and started again."""

import functools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
from psycopg.rows import dict_row
from tests.waiting import until

from docyard_common.auth import mint
from docyard_stack.ports import free_ports

SECRET = "fault-tests-only-" + "0" * 32
ROOT = Path(__file__).parents[2]
READY_S = 180.0
"""A start takes seconds, and a minute where six others use the machine."""


@dataclass
class Member:
    """One process of the fleet; its ports stay its own over restarts."""

    name: str
    arguments: Sequence[str]
    port: int
    metrics_port: int
    process: subprocess.Popen[bytes] | None = None


@dataclass
class Fleet:
    """Services by name; whatever was started is killed by `stop`."""

    folder: Path
    environment: dict[str, str]
    members: dict[str, Member] = field(default_factory=dict)

    def start(self, name: str, *arguments: str, wait: bool = True) -> Member:
        """Start a service as `python -m ARGUMENTS`, by default its own module."""
        member = self.members.get(name)
        if member is None:
            module = name.split("-", maxsplit=1)[0] if not name.startswith("dlq") else "dlq_admin"
            port, metrics_port = free_ports(2)
            member = Member(name, arguments or (module,), port, metrics_port)
            self.members[name] = member
        log = (self.folder / f"{name}.log").open("ab")
        member.process = subprocess.Popen(
            [sys.executable, "-m", *member.arguments],
            cwd=ROOT,
            env={
                **self.environment,
                "HTTP__PORT": str(member.port),
                "HTTP__METRICS_PORT": str(member.metrics_port),
            },
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
        log.close()
        if wait:
            self.wait_ready(name)
        return member

    def wait_ready(self, name: str) -> None:
        member = self.members[name]

        def ready() -> bool:
            assert member.process is not None
            assert member.process.poll() is None, f"{name} ended; see {self.folder}/{name}.log"
            return self._ready(member)

        until(ready, within_s=READY_S, tell=lambda: f"{name} is not ready; see {self.folder}")

    def wait_idle(self, name: str) -> None:
        """Return when that process has no run in hand any more."""
        until(lambda: self.metric(name, "docyard_stage_inflight") == 0, within_s=60)

    def kill(self, name: str) -> None:
        """Kill -9 and reap; its children must die with it."""
        self.signal(name, signal.SIGKILL)
        process = self.members[name].process
        assert process is not None
        process.wait()

    def signal(self, name: str, number: signal.Signals) -> None:
        process = self.members[name].process
        assert process is not None
        process.send_signal(number)

    def children(self, name: str) -> list[psutil.Process]:
        process = self.members[name].process
        assert process is not None
        return psutil.Process(process.pid).children(recursive=True)

    def stop(self) -> None:
        for member in self.members.values():
            if member.process is not None and member.process.poll() is None:
                member.process.send_signal(signal.SIGCONT)
                member.process.kill()
                member.process.wait()

    def metric(self, name: str, metric: str) -> float:
        """Return the sum of that metric's samples as the process tells them."""
        url = f"http://127.0.0.1:{self.members[name].metrics_port}/metrics"
        lines = httpx.get(url, timeout=10, trust_env=False).text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(metric))

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.members[name].port}"

    def _ready(self, member: Member) -> bool:
        try:
            url = f"http://127.0.0.1:{member.metrics_port}/health/ready"
            return httpx.get(url, timeout=3, trust_env=False).is_success
        except httpx.HTTPError:
            return False


def token(subject: str = "ann", *roles: str) -> str:
    return mint(
        SECRET,
        subject=subject,
        roles=roles or ("user",),
        ttl_s=3600,
        audience="docyard",
        issuer="docyard",
    )


def get(fleet: Fleet, path: str, **params: str) -> httpx.Response:
    """Ask ingest, as the owner of what `upload` sends, for *path* below `/api/v1/`."""
    return httpx.get(
        f"{fleet.url('ingest')}/api/v1/{path}",
        params=params,
        headers={"Authorization": f"Bearer {token()}"},
        timeout=60,
        trust_env=False,
    )


def upload(fleet: Fleet, filename: str, data: bytes, *, key: str, **fields: str) -> str:
    """Upload until it is accepted, as a client does that does not give up; return the id."""
    deadline = time.monotonic() + 120
    headers = {"Authorization": f"Bearer {token()}", "Idempotency-Key": key}
    url = f"{fleet.url('ingest')}/api/v1/documents/upload/simple"
    while True:
        try:
            answer = httpx.post(
                url,
                headers=headers,
                files={"file": (filename, data)},
                data=fields,
                timeout=30,
                trust_env=False,
                # Plain HTTP: reading the system's certificates would cost more than the upload.
                verify=False,
            )
        except httpx.HTTPError:
            answer = None
        if answer is not None and answer.status_code == httpx.codes.ACCEPTED:
            return str(answer.json()["document_id"])
        if answer is not None and answer.status_code < 500 and answer.status_code != 409:
            raise AssertionError(answer.text)
        assert time.monotonic() < deadline, "no upload was accepted for two minutes"
        time.sleep(0.2)


class Ledger:
    """What the databases say, asked again when PostgreSQL was just killed."""

    def __init__(self, url: str) -> None:
        self._url = url

    def rows(self, query: str, *parameters: Any) -> list[dict[str, Any]]:
        deadline = time.monotonic() + 60
        while True:
            try:
                with psycopg.connect(self._url, row_factory=dict_row) as connection:
                    return connection.execute(query, parameters or None).fetchall()
            except psycopg.OperationalError:
                assert time.monotonic() < deadline
                time.sleep(0.1)

    def states(self) -> dict[str, int]:
        query = "select state, count(*) as n from ingest.documents group by state"
        return {row["state"]: row["n"] for row in self.rows(query)}

    def work(self) -> list[dict[str, Any]]:
        query = "select stage, state, count(*) as n from processor.work group by 1, 2"
        return self.rows(query)

    def wait_for(self, states: dict[str, int], *, within_s: float) -> None:
        """Return when documents stand exactly so; fail with what is there instead."""
        until(
            lambda: self.states() == states,
            within_s=within_s,
            tell=lambda: f"stands at {self.states()}, work: {self.work()}",
        )

    def wait_completed(self, count: int) -> None:
        """Return when at least *count* documents are completed."""
        until(lambda: self.states().get("completed", 0) >= count, within_s=120, tell=self.states)

    def wait_running(
        self, document_id: str | None = None, *, fence: int = 1, within_s: float = 60
    ) -> None:
        """Return when a document, or the one named, is being extracted under *fence* or later."""
        query = """
            select from processor.work where stage = 'extract' and state = 'running'
                and document_id = coalesce(%s, document_id) and fence >= %s
        """
        running = functools.partial(self.rows, query, document_id, fence)
        until(lambda: bool(running()), within_s=within_s, tell=self.work)

    def wait_rows(self, table: str, count: int) -> None:
        """Return when *table* has exactly *count* rows."""
        query = f"select * from {table}"
        until(lambda: len(self.rows(query)) == count, within_s=60, tell=lambda: self.rows(query))

    def wait_empty(self, table: str) -> None:
        """Return when *table* has no row any more."""
        self.wait_rows(table, 0)

    def seen_twice(self) -> int:
        """Stages of documents that were told to be finished more than once."""
        query = """
            select document_id from ingest.document_events
            where type = 'docyard.document.stage_finished.v1'
            group by document_id, data ->> 'stage' having count(*) > 1
        """
        return len(self.rows(query))

    def executions(self) -> float:
        """Runs per document and stage: the fence counts every pick, also of those that died."""
        query = "select avg(fence)::float8 as runs from processor.stage_runs where outcome = 'done'"
        return float(self.rows(query)[0]["runs"])


def environment(base: dict[str, str]) -> dict[str, str]:
    """Return what every service of a fleet is told, beside the machine's own variables."""
    return {
        **os.environ,
        "AUTH__SECRET": SECRET,
        "KAFKA__SESSION_TIMEOUT_MS": "6000",
        "KAFKA__HEARTBEAT_INTERVAL_MS": "500",
        "KAFKA__PARTITIONS": "2",
        "PROCESSOR__LEASE_S": "3",
        "PROCESSOR__FIRST_DELAY_S": "0.3",
        "PROCESSOR__MAX_DELIVERIES": "30",
        "LIMITS__REQUESTS_PER_MINUTE": "0",
        "LIMITS__UPLOADS_PER_MINUTE": "0",
        "LIMITS__MAX_UPLOADS_IN_FLIGHT": "0",
        **base,
    }
