"""Bodies that stop, or nearly do."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from ingest.errors import UploadStalledError
from ingest.settings import UploadSettings
from ingest.uploads.body import watched


async def _body(*chunks: bytes, pause_s: float = 0.0) -> AsyncIterator[bytes]:
    for chunk in chunks:
        await asyncio.sleep(pause_s)
        yield chunk


async def _read(body: AsyncIterator[bytes], settings: UploadSettings) -> list[bytes]:
    return [chunk async for chunk in watched(body, settings)]


async def test_chunks_come_as_they_are_but_for_empty_ones() -> None:
    assert await _read(_body(b"a", b"", b"b"), UploadSettings()) == [b"a", b"b"]


async def test_a_body_that_stops_has_stalled() -> None:
    settings = UploadSettings(idle_timeout_s=0.05)

    with pytest.raises(UploadStalledError, match="Nothing was received"):
        await _read(_body(b"x" * 100_000, pause_s=60), settings)


async def test_a_body_that_drips_has_stalled() -> None:
    settings = UploadSettings(idle_timeout_s=0.2, least_bytes_per_s=1000)

    with pytest.raises(UploadStalledError, match="1000 bytes a second"):
        await _read(_body(*[b"x"] * 10_000, pause_s=0.02), settings)


async def test_a_body_that_is_slow_but_comes_is_read() -> None:
    settings = UploadSettings(idle_timeout_s=1, least_bytes_per_s=1000)
    chunks = [b"x" * 1000] * 15

    assert await _read(_body(*chunks, pause_s=0.1), settings) == chunks


async def test_the_least_pace_can_be_waived() -> None:
    settings = UploadSettings(idle_timeout_s=1, least_bytes_per_s=0)
    chunks = [b"x"] * 15

    assert await _read(_body(*chunks, pause_s=0.1), settings) == chunks


async def test_only_the_waiting_for_a_client_counts() -> None:
    settings = UploadSettings(idle_timeout_s=0.5, least_bytes_per_s=1000)
    read = []

    async for chunk in watched(_body(*[b"x"] * 3), settings):
        await asyncio.sleep(0.3)  # the store is slow
        read.append(chunk)

    assert read == [b"x"] * 3
