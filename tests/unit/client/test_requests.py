"""What the client makes of answers, refusals and silence."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import pytest
from tests.unit.client.conftest import AT_ONCE
from tests.unit.client.fake_docyard import Answer, FakeDocyard, problem

from docyard import (
    AsyncClient,
    BusyError,
    ConflictError,
    Endpoints,
    NotAllowedError,
    NotFoundError,
    ProtocolError,
    RefusedError,
    UnreachableError,
    Upload,
)
from docyard.problems import retry_after_s
from docyard.retrying import RetryPolicy
from docyard_stack.ports import free_ports


@contextmanager
def pipe(content: bytes) -> Iterator[BinaryIO]:
    reader, writer = os.pipe()
    os.write(writer, content)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        yield stream


async def test_a_file_is_sent_whole_with_its_name(
    client: AsyncClient, fake: FakeDocyard, tmp_path: Path
) -> None:
    path = tmp_path / "Ünïcode.txt"
    path.write_bytes(b"0123456789" * 20_000)
    sent: list[int] = []

    accepted = await client.upload(path, on_bytes=sent.append)

    assert fake.documents[accepted.document_id]["filename"] == "Ünïcode.txt"
    assert path.read_bytes() in fake.bodies[0]
    assert sent == sorted(sent)
    assert sent[-1] == path.stat().st_size


async def test_a_refused_connection_and_overload_are_waited_out_with_one_idempotency_key(
    client: AsyncClient, fake: FakeDocyard
) -> None:
    fake.answers += [Answer(503, headers={"Retry-After": "0"}), Answer(502, "<html>")]

    await client.upload(Upload(b"hello", filename="a.txt", idempotency_key="mine"))

    assert fake.idempotency_keys == ["mine"]
    assert len(fake.requests) == 3


async def test_a_stream_is_sent_once_because_its_bytes_are_gone(
    client: AsyncClient, fake: FakeDocyard
) -> None:
    fake.answers.append(Answer(503))

    with pytest.raises(BusyError), pipe(b"lost") as stream:
        await client.upload(Upload(stream, filename="a.txt"))
    with pipe(b"hello") as stream:
        await client.upload(Upload(stream, filename="a.txt"))

    assert b"hello" in fake.bodies[-1]
    assert len(fake.requests) == 2


async def test_a_long_retry_after_is_handed_to_the_caller(
    client: AsyncClient, fake: FakeDocyard
) -> None:
    fake.answers.append(Answer(429, {"code": "RATE_LIMITED"}, {"Retry-After": "3600"}))

    with pytest.raises(BusyError) as caught:
        await client.documents.get("x")

    assert caught.value.problem.retry_after_s == 3600
    assert len(fake.requests) == 1


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, NotAllowedError),
        (403, NotAllowedError),
        (404, NotFoundError),
        (409, ConflictError),
        (413, RefusedError),
        (422, RefusedError),
        (507, RefusedError),
    ],
)
async def test_a_refusal_is_raised_at_once_as_what_it_is(
    client: AsyncClient, fake: FakeDocyard, status: int, kind: type[Exception]
) -> None:
    fake.answers.append(problem(status, "SOME_CODE", "one sentence", retryable=False))

    with pytest.raises(kind, match="one sentence") as caught:
        await client.documents.get("x")

    assert caught.value.code == "SOME_CODE"  # type: ignore[attr-defined]
    assert caught.value.trace_id == "t-1"  # type: ignore[attr-defined]
    assert len(fake.requests) == 1


async def test_nobody_there_is_unreachable_after_the_retries() -> None:
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    async with AsyncClient(Endpoints(url, url, url), retry=AT_ONCE) as client:
        with pytest.raises(UnreachableError, match="does not answer"):
            await client.documents.get("x")


async def test_a_page_of_a_proxy_is_no_answer(client: AsyncClient, fake: FakeDocyard) -> None:
    fake.answers.append(Answer(200, "<html>Sign in</html>"))

    with pytest.raises(ProtocolError):
        await client.documents.get("x")


async def test_an_id_with_a_slash_addresses_nothing_else(
    client: AsyncClient, fake: FakeDocyard
) -> None:
    with pytest.raises(NotFoundError):
        await client.documents.delete("../search")

    assert fake.requests[0] == ("DELETE", "/api/v1/documents/../search")


async def test_a_download_is_there_whole_or_not_at_all(
    client: AsyncClient, fake: FakeDocyard, tmp_path: Path
) -> None:
    fake.contents["x"] = bytes(range(256)) * 100
    target = tmp_path / "x.pdf"

    await client.documents.download("x", target)
    fake.answers.append(problem(404, "DOCUMENT_NOT_FOUND", "gone"))
    with pytest.raises(NotFoundError):
        await client.documents.download("x", tmp_path / "y.pdf")

    assert target.read_bytes() == fake.contents["x"]
    assert os.listdir(tmp_path) == ["x.pdf"]  # noqa: PTH208 - a loop waits for nothing here


async def test_exported_lines_are_split_at_line_feeds_alone(
    client: AsyncClient, fake: FakeDocyard
) -> None:
    fake.entries = {"1": {"id": "1", "text": "a\u2028b"}, "2": {"id": "2"}}

    lines = [line async for line in client.dlq.export()]

    assert len(lines) == 2
    assert "a\u2028b" in lines[0]


def test_waits_grow_are_spread_and_end() -> None:
    policy = RetryPolicy(attempts=3, first_delay_s=1.0, max_delay_s=1.5)

    assert policy.delay_s(3) is None
    assert all(0 <= (policy.delay_s(2) or 0) <= 1.5 for _ in range(100))
    assert (policy.delay_s(1, retry_after_s=7) or 0) >= 7
    assert replace(policy, attempts=99).delay_s(90) is not None


def test_retry_after_is_read_in_both_forms() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)

    assert retry_after_s({"retry-after": "12"}) == 12
    assert retry_after_s({"retry-after": "Thu, 01 Jan 2026 00:00:30 GMT"}, now=now) == 30
    assert retry_after_s({"retry-after": "soon"}) is None
    assert retry_after_s({}) is None
