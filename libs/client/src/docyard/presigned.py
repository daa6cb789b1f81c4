"""Large files straight into the store, where it can be reached from here."""

import asyncio
from typing import Final
from urllib.parse import urlsplit
from uuid import uuid4

import httpx

from docyard.endpoints import is_loopback
from docyard.errors import ApiError, NotFoundError, UnreachableError
from docyard.models import Accepted, Model
from docyard.parts import ByteCounter, FilePart, send_each
from docyard.retrying import RetryPolicy
from docyard.sessions import Opened, Sessions, Standing, Task
from docyard.transport import Request, Transport

_PROBE_S: Final = 3.0
_PASSING: Final = frozenset({"HTTP_400", "HTTP_500"})
"""S3 says so of bytes that changed on their way, of slow connections, and of its own failures."""
_THERE_ALREADY: Final = 412


class StoreUnreachableError(UnreachableError):
    """The store does not take what this client sends, or can not be reached from here."""


class _Put(Model):
    """One request to the store: these headers are signed."""

    url: str
    headers: dict[str, str]
    part_number: int = 1


class _Presigned(Opened):
    """The answer to `presign`: one put, or one a part."""

    url: str | None = None
    headers: dict[str, str] = {}  # noqa: RUF012 - pydantic copies it
    chunk_size: int | None = None
    parts: tuple[_Put, ...] = ()

    def puts(self) -> dict[int, _Put]:
        if self.url is not None:
            return {1: _Put(url=self.url, headers=self.headers)}
        return {put.part_number: put for put in self.parts}


class PresignedUploads:
    """Sends files by presigned URLs. Safe to share between tasks; remembers whether it works."""

    def __init__(self, sessions: Sessions, *, parallel_parts: int, retry: RetryPolicy) -> None:
        self._sessions = sessions
        self._at_once = parallel_parts
        self._retry = retry
        self._stores: dict[str, Transport] = {}
        self._probing = asyncio.Lock()
        self.works: bool | None = None
        """Whether the store can be reached; None before it was tried."""

    async def close(self) -> None:
        for store in self._stores.values():
            await store.close()

    async def send(self, task: Task) -> Accepted:
        """Send the file, or what is missing of it since an earlier try.

        Raises StoreUnreachableError, and the upload is given up: it can go another way. A store
        that holds something of it and is away raises UnreachableError, and the next try goes on.
        Otherwise as `ChunkedUploads.send`.
        """
        try:
            opened = await self._open(task)
            return opened.known() or await self._finish(task, opened)
        except StoreUnreachableError:
            self.works = False
            await self._sessions.give_up(task.noted)
            raise

    async def _open(self, task: Task) -> _Presigned:
        """Announce the file, or ask for fresh URLs of the upload that goes on."""
        noted = task.noted
        key = noted.key or task.upload.idempotency_key
        if noted.upload_id and await self._sessions.standing(noted) is None:
            # It has ended without a document, and its key stands for it for ever.
            noted.forget()
            key = str(uuid4())
        try:
            opened = await self._sessions.open(task, "presign", _Presigned, key=key)
        except NotFoundError as error:
            raise StoreUnreachableError("this Docyard signs no URLs") from error
        if opened.upload_id and not opened.duplicate:
            noted.note(opened.upload_id, via="presigned", key=key)
        return opened

    async def _finish(self, task: Task, opened: _Presigned) -> Accepted:
        puts = opened.puts()
        standing = await self._sessions.standing(task.noted)
        if standing is None:
            raise FileNotFoundError("the upload vanished right after it was opened")
        missing = _missing(standing, puts)
        taken = standing.received_bytes > 0
        if missing and not taken:
            await self._require_store(next(iter(puts.values())).url)
        size_bytes = opened.chunk_size or task.upload.size_bytes or 0
        counter = ByteCounter(task.on_bytes, standing.received_bytes)

        async def send(number: int) -> None:
            nonlocal taken
            part = FilePart(task.path, (number - 1) * size_bytes, size_bytes)
            await self._put(puts[number], part, counter)
            taken = True

        async def send_all(left: tuple[int, ...]) -> None:
            try:
                await send_each(left, send, at_once=self._at_once)
            except UnreachableError as error:
                if taken or isinstance(error, StoreUnreachableError):
                    raise
                raise StoreUnreachableError(str(error)) from error

        return await self._sessions.finish(task.noted, missing, send_all)

    async def _put(self, put: _Put, part: FilePart, counter: ByteCounter) -> None:
        """Send one part. Raises StoreUnreachableError, or UnreachableError for what may pass."""
        md5, _ = await asyncio.to_thread(part.digest, "md5")
        request = Request(
            "PUT",
            put.url,
            headers={**put.headers, "Content-MD5": md5},
            body=part.body(counter),
            repeat_codes=_PASSING,
        )
        try:
            await self._store_of(put.url).send(request)
        except ApiError as error:
            if error.status == _THERE_ALREADY:
                return  # an attempt whose answer was lost has put it
            if error.retryable:
                raise UnreachableError(f"the store does not take the file: {error}") from error
            raise StoreUnreachableError(f"the store refuses the file: {error}") from error

    async def _require_store(self, url: str) -> None:
        """Ask once a run whether anybody answers where the store is said to be."""
        async with self._probing:
            if self.works is None:
                self.works = await _answers(_origin(url))
        if not self.works:
            raise StoreUnreachableError(f"{_origin(url)} can not be reached from here")

    def _store_of(self, url: str) -> Transport:
        origin = _origin(url)
        if origin not in self._stores:
            # Without a token: the signature in the URL is what the store goes by.
            self._stores[origin] = Transport(origin, token=None, retry=self._retry)
        return self._stores[origin]


def _missing(standing: Standing, puts: dict[int, _Put]) -> tuple[int, ...]:
    if standing.state == "completed":
        return ()
    if len(puts) == 1:
        return () if standing.received_bytes else (1,)
    return standing.missing_parts


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


async def _answers(origin: str) -> bool:
    """Whether anything speaks HTTP there, and TLS that can be trusted where it is wanted."""
    async with httpx.AsyncClient(timeout=_PROBE_S, trust_env=not is_loopback(origin)) as http:
        try:
            await http.head(origin)
        except httpx.HTTPError:
            return False
    return True
