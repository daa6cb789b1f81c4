"""Uploads over real servers: 202 means durable, everything else leaves nothing."""

import asyncio
import hashlib
from uuid import UUID

import httpx
import pytest
from tests.integration.ingest.serving import SIMPLE, RunningIngest, running
from tests.waiting import eventually

from docyard_common.artifacts import original_key
from docyard_common.events.documents import DocumentAccepted
from docyard_common.events.work import StageRequested
from ingest.settings import IngestSettings, UploadSettings

pytestmark = pytest.mark.integration
MIB = 1024 * 1024


async def test_202_means_stored_bytes_a_row_and_its_events(ingest: RunningIngest) -> None:
    answer = await ingest.upload(
        b"hello world",
        name="notes.txt",
        priority="high",
        metadata='{"customer": "4711"}',
        processing_options='{"ocr": false}',
    )

    assert answer.status_code == 202
    body = answer.json()
    document_id = UUID(body["document_id"])
    assert body["job_id"] == body["document_id"]
    assert body["status"] == "accepted"
    assert body["links"] == {
        "self": f"/api/v1/documents/{document_id}",
        "status": f"/upload-status/{document_id}",
        "events": f"/api/v1/documents/{document_id}/events",
        "children": f"/api/v1/documents/{document_id}/children",
        "stream": f"http://live.example/api/v1/documents/{document_id}/events/stream",
        "websocket": "ws://live.example/api/v1/ws/progress",
    }
    assert answer.headers["Location"] == body["links"]["self"]
    assert await ingest.store.get(original_key(document_id)) == b"hello world"
    (first_topic, accepted), (second_topic, requested) = await ingest.outbox()
    assert (first_topic, second_topic) == ("documents.events", "work.validate.high")
    assert isinstance(accepted, DocumentAccepted)
    assert isinstance(requested, StageRequested)
    assert (accepted.owner, accepted.seq, accepted.metadata) == ("ann", 0, {"customer": "4711"})
    assert (requested.generation, requested.options) == (1, {"ocr": False})
    assert requested.sha256 == hashlib.sha256(b"hello world").hexdigest()
    assert requested.content_type == "text/plain"


async def test_a_file_of_several_parts_arrives_whole(ingest: RunningIngest) -> None:
    data = hashlib.shake_256(b"seed").hexdigest(10 * MIB).encode()

    answer = await ingest.upload(data, name="big.txt")

    assert answer.status_code == 202
    key = original_key(UUID(answer.json()["document_id"]))
    assert await ingest.store.get(key) == data
    document = (await ingest.client.get(answer.headers["Location"])).json()
    assert document["size_bytes"] == len(data)
    assert document["sha256"] == hashlib.sha256(data).hexdigest()
    assert not await ingest.store.open_multiparts("")


async def test_fields_may_come_behind_a_large_file(ingest: RunningIngest) -> None:
    body = form(("file", "a.txt", b"x" * (9 * MIB)), ("priority", None, b"low"))

    answer = await send(ingest, body)

    assert answer.status_code == 202
    assert [topic for topic, _ in await ingest.outbox()] == [
        "documents.events",
        "work.validate.low",
    ]


async def test_a_bad_field_behind_a_large_file_leaves_nothing(ingest: RunningIngest) -> None:
    body = form(("file", "a.txt", b"x" * (9 * MIB)), ("priority", None, b"urgent"))

    answer = await send(ingest, body)

    assert (answer.status_code, answer.json()["code"]) == (422, "FIELD_INVALID")
    assert answer.json()["errors"][0]["field"] == "priority"
    assert await ingest.is_empty()


@pytest.mark.parametrize(
    ("name", "data", "status", "code"),
    [
        ("a.txt", b"", 422, "EMPTY_FILE"),
        ("a.exe", b"MZ\x90", 415, "UNSUPPORTED_TYPE"),
        ("a.pdf", b"\x89PNG\r\n\x1a\n" + b"x" * 100, 422, "TYPE_MISMATCH"),
        ("a.txt", b"\x00\x01\x02" * 9000, 422, "TYPE_MISMATCH"),
        ("a.txt", b"x" * (24 * MIB + 1), 413, "FILE_TOO_LARGE"),
        ("..", b"hello", 422, "FIELD_INVALID"),
    ],
)
async def test_a_refused_file_leaves_nothing(
    ingest: RunningIngest, name: str, data: bytes, status: int, code: str
) -> None:
    answer = await ingest.upload(data, name=name)

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["retryable"] is False
    assert problem["trace_id"]
    assert await ingest.is_empty()


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ([("priority", None, b"low")], "FILE_MISSING"),
        ([("colour", None, b"red"), ("file", "a.txt", b"x")], "UNKNOWN_FIELD"),
        ([("file", "a.txt", b"x"), ("colour", None, b"red")], "UNKNOWN_FIELD"),
        ([("file", "a.txt", b"x"), ("file", "b.txt", b"x")], "FIELD_INVALID"),
        ([("metadata", None, b'{"a": "\\u0000"}'), ("file", "a.txt", b"x")], "FIELD_INVALID"),
        ([("metadata", None, b"x" * 17_000), ("file", "a.txt", b"x")], "FIELD_INVALID"),
    ],
)
async def test_a_bad_form_is_refused_by_name(
    ingest: RunningIngest, parts: list[tuple[str, str | None, bytes]], code: str
) -> None:
    answer = await send(ingest, form(*parts))

    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert await ingest.is_empty()


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{}"),
        ("multipart/form-data", b"--x\r\n"),
        ("multipart/form-data; boundary=x", b"no form"),
        ("multipart/form-data; boundary=x", b""),
    ],
)
async def test_a_body_that_is_no_form_is_refused(
    ingest: RunningIngest, content_type: str, body: bytes
) -> None:
    answer = await ingest.client.post(SIMPLE, content=body, headers={"Content-Type": content_type})

    assert (answer.status_code, answer.json()["code"]) == (400, "MULTIPART_INVALID")


async def test_a_form_that_ends_in_the_middle_is_refused(ingest: RunningIngest) -> None:
    answer = await send(ingest, form(("file", "a.txt", b"x" * (9 * MIB)))[:-30])

    assert (answer.status_code, answer.json()["code"]) == (400, "MULTIPART_INVALID")
    assert await ingest.is_empty()


async def test_a_declared_length_over_the_limit_is_refused_before_the_body(
    ingest: RunningIngest,
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", ingest.port)
    writer.write(head(ingest, f"Content-Length: {100 * MIB}"))
    status = await reader.readline()
    writer.close()
    await writer.wait_closed()

    assert status.split()[1] == b"413"
    assert await ingest.is_empty()


@pytest.mark.parametrize("connection", ["close", "keep-alive"])
async def test_a_refusal_is_heard_by_a_client_that_sends_everything_first(
    ingest: RunningIngest, connection: str
) -> None:
    await hears_415(ingest, connection, form(("file", "a.exe", b"x" * (20 * MIB))))
    await hears_415(ingest, connection, form(("file", "a.exe", b"x")))
    assert await ingest.is_empty()


async def hears_415(ingest: RunningIngest, connection: str, body: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", ingest.port)
    writer.write(head(ingest, f"Content-Length: {len(body)}", f"Connection: {connection}") + body)
    await writer.drain()
    status = await reader.readline()
    writer.close()
    await writer.wait_closed()

    assert status.split()[1] == b"415"


async def test_a_body_without_a_length_is_bound_all_the_same(ingest: RunningIngest) -> None:
    async def endless() -> object:
        yield form(("file", "a.txt", b""))[: -len(END)]
        for _ in range(60):
            yield b"x" * MIB

    answer = await ingest.client.post(
        SIMPLE,
        content=endless(),  # type: ignore[arg-type]
        headers={"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"},
    )

    assert (answer.status_code, answer.json()["code"]) == (413, "FILE_TOO_LARGE")
    assert await ingest.is_empty()


async def test_a_client_that_goes_away_leaves_nothing(ingest: RunningIngest) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", ingest.port)
    body = form(("file", "a.txt", b"x" * (20 * MIB)))
    writer.write(head(ingest, f"Content-Length: {len(body)}") + body[: 17 * MIB])
    await writer.drain()
    await eventually(lambda: ingest.store.open_multiparts(""))
    writer.close()
    await writer.wait_closed()

    await eventually(ingest.is_empty)


async def test_a_client_that_stops_sending_is_told_and_leaves_nothing(
    ingest_settings: IngestSettings,
) -> None:
    impatient = ingest_settings.model_copy(update={"uploads": UploadSettings(idle_timeout_s=1.0)})
    async with running(impatient) as ingest:
        reader, writer = await asyncio.open_connection("127.0.0.1", ingest.port)
        writer.write(head(ingest, "Content-Length: 1000") + form(("file", "a.txt", b"x"))[:-20])
        status = await reader.readline()
        writer.close()
        await writer.wait_closed()

        assert status.split()[1] == b"408"
        assert await ingest.is_empty()


async def test_without_a_token_nothing_is_read(ingest: RunningIngest) -> None:
    answer = await ingest.upload(headers={"Authorization": "Bearer nonsense"})

    assert (answer.status_code, answer.json()["code"]) == (401, "TOKEN_INVALID")
    assert await ingest.is_empty()


BOUNDARY = "docyard-tests"
END = f"\r\n--{BOUNDARY}--\r\n".encode()


def form(*parts: tuple[str, str | None, bytes]) -> bytes:
    body = b""
    for name, filename, value in parts:
        named = f'; filename="{filename}"' if filename else ""
        body += (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'.encode()
            + value
            + b"\r\n"
        )
    return body + f"--{BOUNDARY}--\r\n".encode()


async def send(ingest: RunningIngest, body: bytes) -> httpx.Response:
    return await ingest.client.post(
        SIMPLE,
        content=body,
        headers={"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"},
    )


def head(ingest: RunningIngest, *more: str) -> bytes:
    lines = [
        f"POST {SIMPLE} HTTP/1.1",
        "Host: test",
        f"Authorization: {ingest.as_owner('ann')['Authorization']}",
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}",
        *more,
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
