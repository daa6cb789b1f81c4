"""Heads of requests are bounded before anybody is asked for a token."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import uvicorn
from tests.waiting import eventually

from docyard_common.http import heads
from docyard_common.http.heads import BoundedHeadProtocol

Connect = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]

ORDINARY = b"POST /x HTTP/1.1\r\nhost: x\r\n"


async def _app(scope: Any, receive: Any, send: Any) -> None:
    """Answer how many bytes came."""
    assert scope["type"] == "http"
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(size).encode()})


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    config = uvicorn.Config(_app, http=BoundedHeadProtocol, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    config.load()
    listener = await asyncio.get_running_loop().create_server(
        lambda: BoundedHeadProtocol(config, server.server_state, {}), "127.0.0.1", 0
    )
    host, port = listener.sockets[0].getsockname()
    writers: list[asyncio.StreamWriter] = []

    async def connected() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(host, port)
        writers.append(writer)
        return reader, writer

    yield connected
    for writer in writers:
        writer.close()
    listener.close()
    await eventually(lambda: not server.server_state.connections)


async def _sent_for_ever(writer: asyncio.StreamWriter, piece: bytes) -> int:
    """Send until the other side has had enough; return how many bytes that were."""
    sent = 0
    try:
        while sent < 64 * heads.MAX_BYTES:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)  # the other side reads in the same loop
            sent += len(piece)
    except ConnectionError:
        pass
    return sent


@pytest.mark.parametrize(
    ("beginning", "piece"),
    [
        (b"GET /", b"a" * 8_192),
        (ORDINARY, b"x-more: " + b"a" * 8_192 + b"\r\n"),
        (ORDINARY + b"x-endless: ", b"a" * 8_192),
        (ORDINARY + b"transfer-encoding: chunked\r\n\r\n0\r\n", b"x-trailer: aaaa\r\n" * 512),
        (ORDINARY + b"transfer-encoding: chunked\r\n\r\n1;", b"a" * 8_192),
    ],
    ids=["url", "headers", "header", "trailers", "chunk-extension"],
)
async def test_a_head_without_end_is_cut_off(
    connect: Connect, beginning: bytes, piece: bytes
) -> None:
    _, writer = await connect()
    writer.write(beginning)

    assert await _sent_for_ever(writer, piece) < 64 * heads.MAX_BYTES


async def test_a_head_that_is_too_large_is_told_so(connect: Connect) -> None:
    reader, writer = await connect()
    writer.write(b"GET /" + b"a" * (heads.MAX_BYTES + 1))

    answer = await reader.read()

    assert answer.startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")
    assert b'"code":"HEADERS_TOO_LARGE"' in answer


async def test_large_bodies_in_small_and_large_chunks_pass(connect: Connect) -> None:
    reader, writer = await connect()
    body = 40 * (b"1\r\na\r\n" * 1_000 + b"4000\r\n" + b"b" * 0x4000 + b"\r\n")
    writer.write(ORDINARY + b"transfer-encoding: chunked\r\n\r\n" + body + b"0\r\n\r\n")
    writer.write(
        b"GET /" + b"a" * (heads.MAX_BYTES // 2) + b" HTTP/1.1\r\nconnection: close\r\n\r\n"
    )

    answer = await reader.read()

    assert str(40 * (1_000 + 0x4000)).encode() in answer
    assert answer.count(b"HTTP/1.1 200") == 2


@pytest.mark.parametrize("beginning", [b"", ORDINARY], ids=["nothing", "half a head"])
async def test_a_head_that_does_not_come_is_not_waited_for(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, beginning: bytes
) -> None:
    monkeypatch.setattr(heads, "WITHIN_S", 1.0)
    reader, writer = await connect()
    writer.write(beginning)

    answer = await reader.read()

    assert answer.startswith(b"HTTP/1.1 408 " if beginning else b"")
    assert bool(answer) == bool(beginning)


async def test_a_slow_body_has_its_own_time(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bound of the head ends with it."""
    monkeypatch.setattr(heads, "WITHIN_S", 1.0)
    reader, writer = await connect()
    writer.write(ORDINARY + b"connection: close\r\ncontent-length: 2\r\n\r\n1")
    await writer.drain()
    idle_reader, _ = await connect()

    assert await idle_reader.read() == b""  # a connection that began after it is over
    writer.write(b"2")

    assert (await reader.read()).endswith(b"\r\n2\r\n0\r\n\r\n")
