"""The object store of unit tests: real behaviour, no server."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from docyard_common.clock import Clock, SystemClock
from docyard_common.errors import ObjectMissingError
from docyard_common.ids import uuid7
from docyard_common.storage.digesting import digest
from docyard_common.storage.port import (
    ObjectDigest,
    ObjectPrefix,
    ObjectStat,
    OpenMultipart,
    PartsRefusedError,
    StoredPart,
)

_PIECE_BYTES = 1024 * 1024
_MIN_PART_BYTES = 5 * 1024 * 1024


@dataclass(frozen=True)
class _Blob:
    stat: ObjectStat
    data: bytes


@dataclass
class _Upload:
    key: str
    content_type: str
    started_at: datetime
    parts: dict[int, bytes] = field(default_factory=dict)


class InMemoryObjectStore:
    """An ObjectStore in a dictionary; held to the same contract tests as the S3 adapter."""

    def __init__(self, *, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._blobs: dict[str, _Blob] = {}
        self._uploads: dict[str, _Upload] = {}

    async def put(
        self, key: str, data: bytes, *, content_type: str = "application/octet-stream"
    ) -> str:
        stat = ObjectStat(key, len(data), _etag(data), content_type, self._clock.now())
        self._blobs[key] = _Blob(stat, bytes(data))
        return stat.etag

    async def put_new(
        self, key: str, data: bytes, *, content_type: str = "application/octet-stream"
    ) -> bool:
        if key in self._blobs:
            return False
        await self.put(key, data, content_type=content_type)
        return True

    async def get(self, key: str) -> bytes:
        return self._blob(key).data

    async def stream(
        self, key: str, *, offset: int = 0, length: int | None = None
    ) -> AsyncIterator[bytes]:
        data = self._blob(key).data
        end = len(data) if length is None else min(offset + length, len(data))
        for start in range(offset, end, _PIECE_BYTES):
            yield data[start : min(start + _PIECE_BYTES, end)]

    async def download(self, key: str, path: Path) -> str:
        data = self._blob(key).data
        await asyncio.to_thread(path.write_bytes, data)
        return hashlib.sha256(data).hexdigest()

    async def digest(
        self, key: str, *, head_bytes: int, after: ObjectPrefix | None = None
    ) -> ObjectDigest:
        data = self._blob(key).data

        async def read(offset: int, length: int) -> bytes:
            return data[offset : offset + length]

        return await digest(
            read, asyncio.to_thread, size_bytes=len(data), head_bytes=head_bytes, after=after
        )

    async def stat(self, key: str) -> ObjectStat:
        return self._blob(key).stat

    async def list(self, prefix: str) -> AsyncIterator[ObjectStat]:
        for key in sorted(self._blobs):
            blob = self._blobs.get(key)
            if blob is not None and key.startswith(prefix):
                stat = blob.stat
                yield ObjectStat(key, stat.size_bytes, stat.etag, "", stat.modified_at)

    async def copy(self, source: str, target: str) -> None:
        blob = self._blob(source)
        await self.put(target, blob.data, content_type=blob.stat.content_type)

    async def delete(self, key: str) -> None:
        self._blobs.pop(key, None)

    async def delete_prefix(self, prefix: str) -> int:
        if not prefix:
            raise ValueError("an empty prefix would remove everything")
        keys = [key for key in self._blobs if key.startswith(prefix)]
        for key in keys:
            del self._blobs[key]
        return len(keys)

    async def start_multipart(self, key: str, *, content_type: str) -> str:
        upload_id = str(uuid7())
        self._uploads[upload_id] = _Upload(key, content_type, self._clock.now())
        return upload_id

    async def put_part(self, key: str, upload_id: str, number: int, data: bytes) -> str:
        self._open(key, upload_id).parts[number] = bytes(data)
        return _etag(data)

    async def list_parts(self, key: str, upload_id: str) -> Sequence[StoredPart]:
        parts = self._open(key, upload_id).parts
        return [
            StoredPart(number, len(data), _etag(data)) for number, data in sorted(parts.items())
        ]

    async def complete_multipart(
        self, key: str, upload_id: str, parts: Sequence[tuple[int, str]]
    ) -> None:
        upload = self._uploads.get(upload_id)
        if upload is None:
            self._blob(key)
            return
        pieces = [_checked(upload, number, etag) for number, etag in parts]
        if not pieces or any(len(piece) < _MIN_PART_BYTES for piece in pieces[:-1]):
            raise PartsRefusedError(f"{key}: no parts, or one is too small")
        await self.put(key, b"".join(pieces), content_type=upload.content_type)
        del self._uploads[upload_id]

    async def abort_multipart(self, key: str, upload_id: str) -> None:
        upload = self._uploads.get(upload_id)
        if upload is not None and upload.key == key:
            del self._uploads[upload_id]

    async def open_multiparts(self, prefix: str) -> Sequence[OpenMultipart]:
        found = (
            OpenMultipart(upload.key, upload_id, upload.started_at)
            for upload_id, upload in self._uploads.items()
            if upload.key.startswith(prefix)
        )
        return sorted(found, key=lambda upload: (upload.key, upload.started_at))

    async def ensure_bucket(self) -> None:
        """There is always one."""

    def _open(self, key: str, upload_id: str) -> _Upload:
        upload = self._uploads.get(upload_id)
        if upload is None or upload.key != key:
            raise ObjectMissingError(f"no upload {upload_id} of {key}")
        return upload

    def _blob(self, key: str) -> _Blob:
        try:
            return self._blobs[key]
        except KeyError:
            raise ObjectMissingError(f"nothing is stored under {key}") from None


def _etag(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _checked(upload: _Upload, number: int, etag: str) -> bytes:
    data = upload.parts.get(number)
    if data is None or _etag(data) != etag:
        raise PartsRefusedError(f"{upload.key}: part {number} is missing or another one")
    return data
