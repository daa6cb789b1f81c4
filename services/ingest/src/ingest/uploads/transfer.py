"""The bytes of one file on their way to the store: bounded memory, hashed in passing."""

import asyncio
import hashlib
import logging
from dataclasses import dataclass
from typing import Protocol

from docyard_common.errors import DependencyUnavailableError
from docyard_common.storage import ObjectStore

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class StoredFile:
    """What arrived, as it was counted and hashed on the way."""

    size_bytes: int
    sha256: str


class Sink(Protocol):
    """Where the bytes of a file go."""

    async def write(self, data: bytes) -> None:
        """Take the next piece; waits while too much is on its way."""
        ...

    async def finish(self) -> StoredFile:
        """Return once everything is durable. Raises DependencyUnavailableError."""
        ...

    async def discard(self) -> None:
        """Leave nothing behind; never raises, idempotent, also after `finish`."""
        ...


class HashOnly:
    """A sink for a file that is stored already: only its hash is wanted."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._size_bytes = 0

    async def write(self, data: bytes) -> None:
        self._size_bytes += len(data)
        self._digest.update(data)

    async def finish(self) -> StoredFile:
        return StoredFile(self._size_bytes, self._digest.hexdigest())

    async def discard(self) -> None:
        """There is nothing."""


@dataclass(frozen=True)
class TransferLimits:
    """How much of one file, and of all files, may be in memory."""

    part_bytes: int
    parts_in_flight: int
    gate: asyncio.Semaphore
    """Shared by all uploads of the process: the parts that are on their way."""


class Transfer:
    """One file into one object: up to one part by a single put, more by a multipart upload.

    Holds the part that fills and those in flight. A kill -9 leaves at most an invisible multipart
    upload, or an object without a row: the sweep removes both.
    """

    def __init__(
        self, store: ObjectStore, key: str, *, content_type: str, limits: TransferLimits
    ) -> None:
        self._store = store
        self._key = key
        self._content_type = content_type
        self._limits = limits
        self._digest = hashlib.sha256()
        self._hashing = asyncio.Lock()
        self._in_flight = asyncio.Semaphore(limits.parts_in_flight)
        self._filling: list[bytes] = []
        self._filling_bytes = 0
        self._size_bytes = 0
        self._upload_id: str | None = None
        self._parts: list[asyncio.Task[str]] = []

    async def write(self, data: bytes) -> None:
        self._filling.append(data)
        self._filling_bytes += len(data)
        self._size_bytes += len(data)
        # Only "more than": a file of exactly one part still goes by one put.
        if self._filling_bytes > self._limits.part_bytes:
            await self._send_part()

    async def finish(self) -> StoredFile:
        if self._upload_id is None:
            await self._put_whole()
        else:
            if self._filling:
                await self._send_part()
            await self._join(self._upload_id)
        return StoredFile(self._size_bytes, self._digest.hexdigest())

    async def discard(self) -> None:
        # Shielded: a request that is cancelled must still take its bytes away.
        await asyncio.shield(asyncio.ensure_future(self._discard()))

    async def _put_whole(self) -> None:
        chunks, self._filling = self._filling, []
        async with self._limits.gate:
            data = await self._seal(chunks)
            await self._store.put(self._key, data, content_type=self._content_type)

    async def _join(self, upload_id: str) -> None:
        etags = await asyncio.gather(*self._parts)
        await self._store.complete_multipart(self._key, upload_id, list(enumerate(etags, start=1)))
        self._upload_id = None
        self._parts.clear()

    async def _send_part(self) -> None:
        """Start the part that is full; raises what an earlier part died of."""
        self._raise_failed()
        if self._upload_id is None:
            self._upload_id = await self._store.start_multipart(
                self._key, content_type=self._content_type
            )
        # Nothing more is read until this part may go: what waits is one part, not several.
        await self._in_flight.acquire()
        await self._limits.gate.acquire()
        chunks, self._filling, self._filling_bytes = self._filling, [], 0
        number = len(self._parts) + 1
        self._parts.append(asyncio.create_task(self._store_part(self._upload_id, number, chunks)))

    async def _store_part(self, upload_id: str, number: int, chunks: list[bytes]) -> str:
        try:
            data = await self._seal(chunks)
            return await self._store.put_part(self._key, upload_id, number, data)
        finally:
            self._limits.gate.release()
            self._in_flight.release()

    async def _seal(self, chunks: list[bytes]) -> bytes:
        """Join the chunks and hash them on a thread."""
        # The lock is fair, and tasks reach it in the order of their parts.
        async with self._hashing:
            return await asyncio.to_thread(self._join_and_hash, chunks)

    def _join_and_hash(self, chunks: list[bytes]) -> bytes:
        data = b"".join(chunks)
        chunks.clear()
        self._digest.update(data)
        return data

    def _raise_failed(self) -> None:
        for part in self._parts:
            if part.done() and (error := part.exception()) is not None:
                raise error

    async def _discard(self) -> None:
        # A put that runs on a thread can not be stopped: wait, or it would outlive the abort.
        await asyncio.gather(*self._parts, return_exceptions=True)
        self._parts.clear()
        try:
            if self._upload_id is not None:
                await self._store.abort_multipart(self._key, self._upload_id)
                self._upload_id = None
            await self._store.delete(self._key)
        except DependencyUnavailableError as error:
            logger.warning("upload.discard_failed", extra={"error": str(error)})
