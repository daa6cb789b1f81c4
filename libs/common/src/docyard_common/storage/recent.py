"""Keeps the small objects that were just read or written: the next stage asks for them at once."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from docyard_common.storage.port import (
    ObjectDigest,
    ObjectPrefix,
    ObjectStat,
    ObjectStore,
    OpenMultipart,
    StoredPart,
)

_MIB = 1024 * 1024


class RecentObjects:
    """An ObjectStore in front of another one, for objects that do not change under their key.

    What another process deletes may still be read here; what this one deletes is gone. Memory is
    bounded by *max_bytes*; objects above *max_object_bytes* pass by. What nobody asked for in
    *keep_s* seconds goes with the next object that comes; who asks later reads the store.
    """

    def __init__(
        self,
        store: ObjectStore,
        *,
        max_bytes: int = 64 * _MIB,
        max_object_bytes: int = _MIB,
        keep_s: float = 120.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._max_bytes = max_bytes
        self._max_object_bytes = max_object_bytes
        self._keep_s = keep_s
        self._clock = clock
        self._recent: OrderedDict[str, tuple[bytes, float]] = OrderedDict()
        """Content by key and when it was last asked for; the oldest is first."""
        self._bytes = 0

    async def put(
        self, key: str, data: bytes, *, content_type: str = "application/octet-stream"
    ) -> str:
        etag = await self._store.put(key, data, content_type=content_type)
        self._keep(key, data)
        return etag

    async def put_new(
        self, key: str, data: bytes, *, content_type: str = "application/octet-stream"
    ) -> bool:
        won = await self._store.put_new(key, data, content_type=content_type)
        if won:
            self._keep(key, data)
        return won

    async def get(self, key: str) -> bytes:
        if (found := self._found(key)) is not None:
            return found
        data = await self._store.get(key)
        self._keep(key, data)
        return data

    def stream(
        self, key: str, *, offset: int = 0, length: int | None = None
    ) -> AsyncIterator[bytes]:
        return self._store.stream(key, offset=offset, length=length)

    async def download(self, key: str, path: Path) -> str:
        # A mebibyte at most is read or written here: less than handing it to a thread costs.
        if (found := self._found(key)) is not None:
            path.write_bytes(found)  # noqa: ASYNC240
            return hashlib.sha256(found).hexdigest()
        digest = await self._store.download(key, path)
        if path.stat().st_size <= self._max_object_bytes:  # noqa: ASYNC240
            self._keep(key, path.read_bytes())  # noqa: ASYNC240
        return digest

    async def digest(
        self, key: str, *, head_bytes: int, after: ObjectPrefix | None = None
    ) -> ObjectDigest:
        return await self._store.digest(key, head_bytes=head_bytes, after=after)

    async def stat(self, key: str) -> ObjectStat:
        return await self._store.stat(key)

    def list(self, prefix: str) -> AsyncIterator[ObjectStat]:
        return self._store.list(prefix)

    async def copy(self, source: str, target: str) -> None:
        self._forget(target)
        await self._store.copy(source, target)

    async def delete(self, key: str) -> None:
        self._forget(key)
        await self._store.delete(key)

    async def delete_prefix(self, prefix: str) -> int:
        for key in [key for key in self._recent if key.startswith(prefix)]:
            self._forget(key)
        return await self._store.delete_prefix(prefix)

    async def start_multipart(self, key: str, *, content_type: str) -> str:
        return await self._store.start_multipart(key, content_type=content_type)

    async def put_part(self, key: str, upload_id: str, number: int, data: bytes) -> str:
        return await self._store.put_part(key, upload_id, number, data)

    async def list_parts(self, key: str, upload_id: str) -> Sequence[StoredPart]:
        return await self._store.list_parts(key, upload_id)

    async def complete_multipart(
        self, key: str, upload_id: str, parts: Sequence[tuple[int, str]]
    ) -> None:
        self._forget(key)
        await self._store.complete_multipart(key, upload_id, parts)

    async def abort_multipart(self, key: str, upload_id: str) -> None:
        await self._store.abort_multipart(key, upload_id)

    async def open_multiparts(self, prefix: str) -> Sequence[OpenMultipart]:
        return await self._store.open_multiparts(prefix)

    async def ensure_bucket(self) -> None:
        await self._store.ensure_bucket()

    def _found(self, key: str) -> bytes | None:
        found = self._recent.get(key)
        if found is None:
            return None
        self._recent[key] = (found[0], self._clock())
        self._recent.move_to_end(key)
        return found[0]

    def _keep(self, key: str, data: bytes) -> None:
        self._forget(key)
        if len(data) <= self._max_object_bytes:
            self._recent[key] = (bytes(data), self._clock())
            self._bytes += len(data)
        while self._recent and self._is_over(asked_at=next(iter(self._recent.values()))[1]):
            self._forget(next(iter(self._recent)))

    def _is_over(self, *, asked_at: float) -> bool:
        return self._bytes > self._max_bytes or self._clock() - asked_at > self._keep_s

    def _forget(self, key: str) -> None:
        data, _ = self._recent.pop(key, (b"", 0.0))
        self._bytes -= len(data)
