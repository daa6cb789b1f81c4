"""Clients get through the death of the server they talk to; the stack brings it back."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from tests.e2e.conftest import Person, Stack
from tests.waiting import eventually

from docyard import AsyncClient, RetryPolicy, Upload
from docyard_stack import samples
from docyard_stack.folder import StackFolder

pytestmark = [pytest.mark.e2e, pytest.mark.fault]

LIMIT_S = 180
PATIENT = RetryPolicy(attempts=40, first_delay_s=0.5, max_delay_s=3.0)

Kill = Callable[[str], None]


@pytest.fixture
def kill(stack: Stack) -> Kill:
    """Kill a part of the stack with SIGKILL, by the process that the stack has written down."""

    def kill(part: str) -> None:
        record = StackFolder(stack.data).load()
        assert record
        process = record.parts[part].process
        assert process
        os.kill(process.pid, signal.SIGKILL)

    return kill


async def until_back(person: Person, base_url: str) -> None:
    """Leave the stack whole for the tests that follow."""

    async def answers() -> bool:
        async with person.http(base_url) as http:
            try:
                return (await http.get("/health/ready")).status_code == 200
            except httpx.TransportError:
                return False

    await eventually(answers, within_s=LIMIT_S)


async def test_a_watch_survives_the_notifier(person: Person, kill: Kill, tmp_path: Path) -> None:
    sample = samples.pdf(tmp_path / "a.pdf", pages=150, seed=61)
    positions: list[int] = []
    states: list[str] = []

    async with person.client() as client:
        document_id = (await client.upload(sample.path)).document_id
        async for update in client.watch([document_id], timeout_s=LIMIT_S):
            if not positions:
                kill("notifier")
            positions.append(update.seq)
            states.append(update.state)
    await until_back(person, person.endpoints.notifier)

    assert states[-1] == "completed"
    assert positions == sorted(set(positions))


async def test_an_upload_survives_ingest_and_is_one_document(person: Person, kill: Kill) -> None:
    content = b"words and more words \n" * 1_000_000
    killed: list[int] = []

    def kill_once(sent: int) -> None:
        if sent > len(content) // 2 and not killed:
            killed.append(sent)
            kill("ingest")

    async with AsyncClient(person.endpoints, retry=PATIENT) as client:
        accepted = await client.upload(Upload(content, filename="a.txt"), on_bytes=kill_once)
        documents = (await client.documents.list()).items
        await client.documents.delete(accepted.document_id)

    assert killed
    assert [document.document_id for document in documents] == [accepted.document_id]
    assert documents[0].size_bytes == len(content)
