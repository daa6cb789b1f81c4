"""Progress as clients of any kind see it: it only grows, and the end is always told."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfWriter
from tests.e2e.conftest import Person
from websockets.asyncio.client import ClientConnection, connect

from docyard_stack import samples

pytestmark = pytest.mark.e2e

LIMIT_S = 120
PAGES = 300
ENDLESS = 2000  # pages that nothing reads to the end

Message = dict[str, Any]


@asynccontextmanager
async def socket_of(person: Person) -> AsyncIterator[ClientConnection]:
    url = f"{person.endpoints.websocket}/api/v1/ws/progress"
    async with connect(url, proxy=None) as socket:
        await say(socket, type="connect", token=person.token)
        assert (await hear(socket))["type"] == "connected"
        yield socket


async def say(socket: ClientConnection, **message: object) -> None:
    await socket.send(json.dumps(message))


async def hear(socket: ClientConnection) -> Message:
    async with asyncio.timeout(LIMIT_S):
        message: Message = json.loads(await socket.recv())
    return message


async def until_end(socket: ClientConnection) -> list[Message]:
    """Read updates, those of snapshots too, up to a terminal one."""
    updates: list[Message] = []
    while not (updates and updates[-1]["data"]["state"] in {"completed", "failed"}):
        message = await hear(socket)
        updates += message.get("snapshot", [message] if "data" in message else [])
    return updates


def check_growing(updates: Sequence[Message]) -> None:
    positions = [update["seq"] for update in updates]
    percents = [update["data"]["progress"] for update in updates]
    assert positions == sorted(set(positions))
    assert percents == sorted(percents)
    assert percents[-1] == 100


async def upload(person: Person, path: Path) -> str:
    async with person.client() as client:
        return (await client.upload(path)).document_id


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return samples.pdf(tmp_path_factory.mktemp("short") / "short.pdf", pages=50, seed=7).path


@pytest.fixture(scope="module")
def long(short: Path) -> Path:
    return repeated(short, pages=PAGES)


@pytest.fixture(scope="module")
def endless(short: Path) -> Path:
    """A document that is still being read a while after its upload."""
    return repeated(short, pages=ENDLESS)


def repeated(path: Path, *, pages: int) -> Path:
    writer = PdfWriter()
    for _ in range(pages // 50):
        writer.append(path)
    target = path.with_name(f"{pages}.pdf")
    writer.write(target)
    return target


async def test_a_websocket_tells_every_stage_and_pages_in_between(
    person: Person, long: Path
) -> None:
    async with socket_of(person) as socket:
        document_id = await upload(person, long)
        await say(socket, type="subscribe", job_ids=[document_id])
        updates = await until_end(socket)

    check_growing(updates)
    states = list(dict.fromkeys(update["data"]["state"] for update in updates))
    assert states[-1] == "completed"
    assert {"extracting", "analyzing", "indexing"} <= set(states)
    pages = {u["data"]["pages_done"] for u in updates if u["data"]["state"] == "extracting"}
    assert len(pages - {None, 0, PAGES}) > 0


async def test_the_channel_of_a_user_tells_of_uploads_to_come(person: Person, short: Path) -> None:
    async with socket_of(person) as socket:
        await say(socket, type="subscribe", channels=["user:me"])
        assert (await hear(socket))["snapshot"] == []
        document_id = await upload(person, short)
        updates = await until_end(socket)

    assert {update["job_id"] for update in updates} == {document_id}
    check_growing(updates)


async def test_who_comes_late_is_told_the_end(person: Person, short: Path) -> None:
    document_id = await upload(person, short)
    async with person.client() as client:
        await client.wait([document_id], timeout_s=LIMIT_S)

    async with socket_of(person) as socket:
        await say(socket, type="subscribe", job_ids=[document_id])
        answer = await hear(socket)

    assert [update["data"]["state"] for update in answer["snapshot"]] == ["completed"]


async def test_who_comes_back_is_told_what_was_missed(person: Person, long: Path) -> None:
    async with socket_of(person) as socket:
        document_id = await upload(person, long)
        await say(socket, type="subscribe", job_ids=[document_id])
        before = (await until_change(socket))["seq"]

    async with socket_of(person) as socket:
        await say(socket, type="subscribe", job_ids=[document_id], since=before)
        updates = await until_end(socket)

    assert updates[0]["seq"] >= before  # a snapshot tells where it is, even when that is known
    check_growing(updates)


async def until_change(socket: ClientConnection) -> Message:
    while True:
        message = await hear(socket)
        updates: list[Message] = message.get("snapshot", [message] if "data" in message else [])
        if updates:
            return updates[-1]


async def test_an_event_stream_tells_the_same_and_ends(person: Person, short: Path) -> None:
    document_id = await upload(person, short)
    path = f"/api/v1/documents/{document_id}/events/stream"
    async with (
        person.http(person.endpoints.notifier) as http,
        http.stream("GET", path) as response,
    ):
        assert response.headers["content-type"].startswith("text/event-stream")
        lines = [line async for line in response.aiter_lines()]
    data = (line.removeprefix("data:") for line in lines if line.startswith("data:"))
    updates = [json.loads(text) for text in data]

    check_growing(updates)
    assert updates[-1]["data"]["state"] == "completed"


async def test_polling_never_goes_backwards(person: Person, long: Path) -> None:
    document_id = await upload(person, long)
    async with person.client() as client, asyncio.timeout(LIMIT_S):
        seen = [await client.documents.get(document_id)]
        while not seen[-1].is_terminal:
            await asyncio.sleep(0.05)
            seen.append(await client.documents.get(document_id))

    assert [document.seq for document in seen] == sorted(document.seq for document in seen)
    assert [d.progress for d in seen] == sorted(d.progress for d in seen)
    assert seen[-1].state == "completed"


async def test_a_cancelled_document_is_told_as_cancelled(person: Person, endless: Path) -> None:
    document_id = await upload(person, endless)
    async with person.client() as client:
        await client.documents.cancel(document_id)
        states = [update.state async for update in client.watch([document_id], timeout_s=LIMIT_S)]
        await client.documents.cancel(document_id)

    assert states[-1] == "cancelled"


async def test_a_socket_cancels_too(person: Person, endless: Path) -> None:
    async with socket_of(person) as socket:
        document_id = await upload(person, endless)
        await say(socket, type="subscribe", job_ids=[document_id])
        await until_change(socket)
        await say(socket, type="cancel_job", job_id=document_id)
        async with person.client() as client:
            (document,) = await client.wait([document_id], timeout_s=LIMIT_S)

    assert document.state == "cancelled"
