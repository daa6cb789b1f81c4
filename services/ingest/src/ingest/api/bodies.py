"""The body of an upload, straight from the server: read once, and read on after a refusal."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from typing import Final

from fastapi import Request

from docyard_common.observability import metrics
from ingest.errors import UploadAbandonedError

_LENGTH: Final = re.compile(r"[0-9]{1,18}")
_MOST_BYTES: Final = 256 * 1024 * 1024
_MOST_S: Final = 10.0


def content_length(request: Request) -> int | None:
    """Return how many bytes the head of *request* announces; a hint that may lie."""
    length = _LENGTH.fullmatch(request.headers.get("content-length", ""))
    return int(length.group()) if length else None


class RequestBody:
    """Yields the chunks of a body as the server receives them; nothing is kept."""

    def __init__(self, request: Request) -> None:
        self._receive = request.receive
        self._will_close = "close" in request.headers.get("connection", "").lower()
        self._ended = False

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield what comes next, to the end. Raises UploadAbandonedError when the client goes."""
        while not self._ended:
            message = await self._receive()
            if message["type"] != "http.request":
                self._ended = True
                raise UploadAbandonedError("The client closed the connection.")
            self._ended = not message.get("more_body", False)
            chunk: bytes = message.get("body", b"")
            metrics.UPLOAD_BYTES.inc(len(chunk))
            yield chunk

    async def read_on(self) -> None:
        """Read and forget the rest, within limits, if the connection will be closed.

        A socket that is closed with unread bytes is reset, and the answer is lost on the way. On a
        connection that stays open the server itself passes over the rest.
        """
        if not self._will_close:
            return
        left = _MOST_BYTES
        with contextlib.suppress(TimeoutError, UploadAbandonedError):
            async with asyncio.timeout(_MOST_S):
                async for chunk in self.chunks():
                    left -= len(chunk)
                    if left < 0:
                        return
