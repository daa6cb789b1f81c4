"""Objects whose SHA-256 the store itself has verified are not read for it."""

import base64
import hashlib
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest

from docyard_common.settings import ObjectStoreSettings
from docyard_common.storage import MinioObjectStore, ObjectDigest, S3PutUrls

pytestmark = pytest.mark.integration

DATA = os.urandom(5 * 1024 * 1024)
SHA256 = hashlib.sha256(DATA)


class Watched(MinioObjectStore):
    """Remembers which ranges were read."""

    def __init__(self, settings: ObjectStoreSettings) -> None:
        super().__init__(settings)
        self.ranges: list[tuple[int, int]] = []

    def _read_range(self, key: str, offset: int, length: int) -> bytes:
        self.ranges.append((offset, length))
        return super()._read_range(key, offset, length)


@pytest.fixture
async def store(object_store_settings: ObjectStoreSettings) -> AsyncIterator[Watched]:
    store = Watched(object_store_settings)
    yield store
    store.close()


def put(settings: ObjectStoreSettings, stated: dict[str, str]) -> None:
    headers = {"Content-Length": str(len(DATA)), **stated}
    url = S3PutUrls(settings).put_url("k", headers=headers, at=datetime.now(UTC), expires_s=60)
    httpx.put(url, content=DATA, headers=headers).raise_for_status()


async def test_a_stated_and_verified_hash_is_believed(
    store: Watched, object_store_settings: ObjectStoreSettings
) -> None:
    stated = base64.b64encode(SHA256.digest()).decode()
    put(object_store_settings, {"x-amz-checksum-sha256": stated})

    found = await store.digest("k", head_bytes=100)

    assert found == ObjectDigest(len(DATA), SHA256.hexdigest(), DATA[:100])
    assert store.ranges == [(0, 100)]


async def test_without_one_the_object_is_read(
    store: Watched, object_store_settings: ObjectStoreSettings
) -> None:
    put(object_store_settings, {})

    found = await store.digest("k", head_bytes=100)

    assert found == ObjectDigest(len(DATA), SHA256.hexdigest(), DATA[:100])
    assert sum(length for _, length in store.ranges) == len(DATA)
