"""One whole stack for the session, as `docyard up` starts it, and people who use it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from docyard import AsyncClient, Endpoints, RetryPolicy
from docyard_common.auth import mint
from docyard_stack.folder import StackFolder

START_LIMIT_S = 300
DOCYARD = (sys.executable, "-m", "docyard")


@dataclass(frozen=True)
class Stack:
    """A running stack."""

    data: Path
    ingest: str
    notifier: str
    dlq_admin: str
    auth_secret: str

    def token(self, subject: str, *, roles: Collection[str] = ("user",), ttl_s: int = 3600) -> str:
        return mint(self.auth_secret, subject=subject, roles=roles, ttl_s=ttl_s)


@dataclass(frozen=True)
class Person:
    """Somebody who uses the stack; nobody else has this name."""

    name: str
    endpoints: Endpoints
    token: str

    def client(self) -> AsyncClient:
        return AsyncClient(self.endpoints, retry=RetryPolicy(attempts=3))

    def http(self, base_url: str = "") -> httpx.AsyncClient:
        """A plain HTTP client, to say what the SDK would not."""
        return httpx.AsyncClient(
            base_url=base_url or self.endpoints.ingest,
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=60,
            trust_env=False,
        )

    def environment(self) -> dict[str, str]:
        """What the command line reads."""
        return {
            **os.environ,
            "DOCYARD_URL": self.endpoints.ingest,
            "DOCYARD_NOTIFIER_URL": self.endpoints.notifier,
            "DOCYARD_DLQ_URL": self.endpoints.dlq_admin,
            "DOCYARD_TOKEN": self.token,
            "COLUMNS": "200",
        }


@pytest.fixture(scope="session")
def stack(stack_folders: Callable[[], Path]) -> Iterator[Stack]:
    """A stack of the session's own, or the one in the folder that DOCYARD_TEST_STACK names."""
    given = os.environ.get("DOCYARD_TEST_STACK")
    if given:
        yield _stack(Path(given))
        return
    data = stack_folders()
    _docyard("up", "--data", str(data), "--detach", "--json")
    try:
        yield _stack(data)
    finally:
        _docyard("down", "--data", str(data))


def _docyard(*arguments: str) -> None:
    command = [*DOCYARD, *arguments]
    done = subprocess.run(
        command, capture_output=True, check=False, text=True, timeout=START_LIMIT_S
    )
    assert done.returncode == 0, done.stderr


def _stack(data: Path) -> Stack:
    record = StackFolder(data).load()
    assert record
    client = json.loads((data / "client.json").read_text())
    return Stack(
        data=data,
        ingest=client["ingest"],
        notifier=client["notifier"],
        dlq_admin=client["dlq_admin"],
        auth_secret=record.keys.auth_secret,
    )


Admit = Callable[..., Person]


@pytest.fixture(scope="session")
def admit(stack: Stack) -> Admit:
    """Make somebody up, with a token of any role."""

    def admit(*roles: str) -> Person:
        name = f"{'-'.join(roles) or 'user'}-{uuid4().hex[:8]}"
        token = stack.token(name, roles=roles or ("user",))
        endpoints = Endpoints(stack.ingest, stack.notifier, stack.dlq_admin, token=token)
        return Person(name, endpoints, token)

    return admit


@pytest.fixture
def person(admit: Admit) -> Person:
    return admit()


@pytest.fixture
def operator(admit: Admit) -> Person:
    return admit("operator")
