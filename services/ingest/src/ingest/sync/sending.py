"""Sends one open file to one or two objects: read once, verified by what the store says it has."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from docyard_common.errors import DependencyUnavailableError, DocyardError, ObjectMissingError
from docyard_common.storage import ObjectStat, ObjectStore, PartsRefusedError
from ingest.folder_job import Signature
from ingest.sync.content import (
    Content,
    Digest,
    goes_in_parts,
    part_bytes,
    read_whole,
    require_unchanged,
)
from ingest.sync.folders import OpenFile
from ingest.sync.threads import FolderThreads

logger = logging.getLogger(__name__)

_PARTS_OF_A_FILE: Final = 3


class VerificationError(DocyardError):
    """The store has something else than what was sent."""


@dataclass(frozen=True)
class Target:
    """Where the bytes go."""

    store: ObjectStore
    key: str
    content_type: str = "application/octet-stream"


@dataclass
class _Multipart:
    """A file on its way into one target."""

    target: Target
    upload_id: str
    parts: list[asyncio.Task[tuple[int, str]]] = field(default_factory=list)


class Sender:
    """Sends files; memory is bound by one part a file, and *parts_in_flight* parts of all files."""

    def __init__(
        self, *, threads: FolderThreads, parts_in_flight: int, compares_etags: bool
    ) -> None:
        self._threads = threads
        self._gate = asyncio.Semaphore(parts_in_flight)
        self._compares_etags = compares_etags

    async def send(self, file: OpenFile, expected: Signature, targets: Sequence[Target]) -> Content:
        """Put the file into every target and verify it there; return what was sent.

        Raises FileChangedError, FileRefusedError, VerificationError or DependencyUnavailableError;
        then no target holds a part of this file, and none what was not verified. A kill -9 leaves
        at most multipart uploads that nobody sees, and whole objects.
        """
        try:
            if goes_in_parts(expected.size_bytes):
                return await self._send_in_parts(file, expected, targets)
            return await self._put(file, expected, targets)
        except VerificationError:
            for target in targets:
                await target.store.delete(target.key)
            raise

    async def _send_in_parts(
        self, file: OpenFile, expected: Signature, targets: Sequence[Target]
    ) -> Content:
        uploads: list[_Multipart] = []
        try:
            for target in targets:
                # One by one: what was begun must be known when the next one fails.
                uploads.append(await self._begin(target))  # noqa: PERF401
            content = await self._put_parts(file, expected, uploads)
            for upload in uploads:
                await self._join(upload, content)
        except BaseException:
            await asyncio.shield(asyncio.ensure_future(_abort(uploads)))
            raise
        return content

    def matches(self, stat: ObjectStat, content: Content, *, newer_than_ns: int = 0) -> bool:
        """Whether a stored object is this content: by its ETag, else by its size and time."""
        if stat.size_bytes != content.size_bytes:
            return False
        if self._compares_etags:
            return stat.etag == content.etag
        return stat.modified_at.timestamp() * 1e9 >= newer_than_ns

    async def _put(self, file: OpenFile, expected: Signature, targets: Sequence[Target]) -> Content:
        whole = await self._threads.run(read_whole, file, expected)
        for target in targets:
            etag = await target.store.put(target.key, whole.data, content_type=target.content_type)
            await self._verify(target, etag, whole.content)
        return whole.content

    async def _verify(self, target: Target, etag: str, content: Content) -> None:
        if self._compares_etags:
            # The store has computed it from the bytes that it received: size is part of that.
            _require(etag == content.etag)
            return
        _require((await target.store.stat(target.key)).size_bytes == content.size_bytes)

    async def _begin(self, target: Target) -> _Multipart:
        upload_id = await target.store.start_multipart(target.key, content_type=target.content_type)
        return _Multipart(target, upload_id)

    async def _put_parts(
        self, file: OpenFile, expected: Signature, uploads: Sequence[_Multipart]
    ) -> Content:
        digest = Digest()
        size = part_bytes(expected.size_bytes)
        slots = asyncio.Semaphore(_PARTS_OF_A_FILE)
        sent = 0
        for offset in range(0, expected.size_bytes, size):
            await slots.acquire()
            await self._gate.acquire()
            try:
                part = await self._threads.run(file.read, offset, size)
                md5 = await self._threads.run(digest.add, part)
            except BaseException:
                self._gate.release()
                raise
            sent += len(part)
            self._start(uploads, offset // size + 1, part, md5, slots)
            _raise_failed(uploads)
        for upload in uploads:
            await asyncio.gather(*upload.parts)
        require_unchanged(file, expected, read_bytes=sent)
        return digest.content(in_parts=True)

    def _start(
        self,
        uploads: Sequence[_Multipart],
        number: int,
        part: bytes,
        md5: str,
        slots: asyncio.Semaphore,
    ) -> None:
        """Send a part to every target; its place is free when the last one has it."""
        left = len(uploads)

        def ended(_: object) -> None:
            nonlocal left
            left -= 1
            if not left:
                slots.release()
                self._gate.release()

        for upload in uploads:
            task = asyncio.create_task(self._put_part(upload, number, part, md5))
            task.add_done_callback(ended)
            upload.parts.append(task)

    async def _put_part(
        self, upload: _Multipart, number: int, part: bytes, md5: str
    ) -> tuple[int, str]:
        target = upload.target
        etag = await target.store.put_part(target.key, upload.upload_id, number, part)
        _require(not self._compares_etags or etag == md5)
        return number, etag

    async def _join(self, upload: _Multipart, content: Content) -> None:
        target = upload.target
        parts = [part.result() for part in upload.parts]
        await target.store.complete_multipart(target.key, upload.upload_id, parts)
        stat = await target.store.stat(target.key)
        _require(self.matches(stat, content))


def _require(verified: bool) -> None:  # noqa: FBT001 - it reads like an assertion
    if not verified:
        raise VerificationError("the store has something else than what was sent")


def _raise_failed(uploads: Sequence[_Multipart]) -> None:
    for upload in uploads:
        for part in upload.parts:
            if part.done() and (error := part.exception()) is not None:
                raise error


async def _abort(uploads: Sequence[_Multipart]) -> None:
    for upload in uploads:
        # A put that runs on a thread can not be stopped: wait, or it would outlive the abort.
        await asyncio.gather(*upload.parts, return_exceptions=True)
        try:
            await upload.target.store.abort_multipart(upload.target.key, upload.upload_id)
        except (DependencyUnavailableError, ObjectMissingError, PartsRefusedError) as error:
            logger.warning("sync.abort_failed", extra={"error": str(error)})
