"""An S3 store that is away, hangs, or refuses: one error, in bounded time."""

import asyncio
import os
from pathlib import Path

import pytest
from pydantic import SecretStr

from docyard_common.errors import DependencyUnavailableError
from docyard_common.settings import ObjectStoreSettings
from docyard_common.storage import MinioObjectStore
from docyard_stack.ports import free_ports

pytestmark = pytest.mark.integration


@pytest.fixture
def refused_port() -> int:
    return free_ports(1)[0]


async def test_a_store_that_is_away_is_named(refused_port: int, tmp_path: Path) -> None:
    store = MinioObjectStore(
        ObjectStoreSettings(
            endpoint=f"127.0.0.1:{refused_port}", access_key="a", secret_key=SecretStr("b")
        )
    )
    calls = [
        store.put("k", b"x"),
        store.get("k"),
        store.stat("k"),
        store.delete("k"),
        store.download("k", tmp_path / "k"),
        store.put_part("k", "u", 1, b"x"),
        store.start_multipart("k", content_type="text/plain"),
        store.ensure_bucket(),
    ]

    results = await asyncio.gather(*calls, return_exceptions=True)

    for result in results:
        assert isinstance(result, DependencyUnavailableError)
        assert result.dependency == "object_store"
    store.close()


async def test_wrong_credentials_blame_no_document(
    object_store_settings: ObjectStoreSettings,
) -> None:
    wrong = object_store_settings.model_copy(update={"secret_key": SecretStr("wrong")})
    store = MinioObjectStore(wrong)

    with pytest.raises(DependencyUnavailableError):
        await store.get("k")
    with pytest.raises(DependencyUnavailableError):
        await store.put("k", b"x")
    store.close()


async def test_a_missing_bucket_blames_no_document(
    object_store_settings: ObjectStoreSettings,
) -> None:
    store = MinioObjectStore(object_store_settings.model_copy(update={"bucket": "not-there"}))

    with pytest.raises(DependencyUnavailableError):
        await store.get("k")
    store.close()


async def test_the_bucket_is_made_once_by_several_replicas(
    object_store_settings: ObjectStoreSettings,
) -> None:
    fresh = object_store_settings.model_copy(
        update={"bucket": f"{object_store_settings.bucket}-made"}
    )
    stores = [MinioObjectStore(fresh) for _ in range(4)]

    await asyncio.gather(*(store.ensure_bucket() for store in stores))

    await stores[0].put("k", os.urandom(10))
    await stores[1].delete_prefix("k")
    for store in stores:
        store.close()


async def test_an_answer_cut_off_in_the_middle_is_an_outage(tmp_path: Path) -> None:
    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this")
        writer.close()

    async with await asyncio.start_server(half, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        store = MinioObjectStore(
            ObjectStoreSettings(
                endpoint=f"127.0.0.1:{port}", access_key="a", secret_key=SecretStr("b")
            )
        )
        with pytest.raises(DependencyUnavailableError):
            await store.get("k")
        with pytest.raises(DependencyUnavailableError):
            await store.download("k", tmp_path / "k")
        with pytest.raises(DependencyUnavailableError):
            _ = [piece async for piece in store.stream("k")]
        store.close()
