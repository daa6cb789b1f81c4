"""Bounds for the heads of requests: they are read before anybody is asked for a token.

uvicorn's reader, like the parser below it, keeps URL and headers whatever their size, and waits for
the rest of a head for ever.
"""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from docyard_common.http.problems import Problem

MAX_BYTES: Final = 64 * 1024
"""Of URL and headers together, more than nginx (32 KiB) and Node.js (16 KiB) take by default."""
WITHIN_S: Final = 30.0
"""From a connection's or request's first byte to the end of its head."""


class BoundedHeadProtocol(HttpToolsProtocol):
    """HTTP/1.1 whose heads, trailers and chunk extensions end in bounded bytes and time.

    One that is too large is answered 431 `HEADERS_TOO_LARGE`, one that does not come 408
    `REQUEST_TIMEOUT`; the connection is closed. One on which nothing ever came is closed silently.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._undelivered_bytes = 0
        self._in_head = False
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._deadline = self.loop.call_later(WITHIN_S, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        self._settle()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._undelivered_bytes += len(data)
        super().data_received(data)
        if self._undelivered_bytes > MAX_BYTES and not self.transport.is_closing():
            detail = f"URL and headers together may have {MAX_BYTES} bytes."
            self._refuse(Problem(431, "HEADERS_TOO_LARGE", detail))

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._settle()
        self._in_head = True
        self._deadline = self.loop.call_later(WITHIN_S, self._give_up)

    def on_headers_complete(self) -> None:
        self._undelivered_bytes = 0
        self._in_head = False
        self._settle()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._undelivered_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._undelivered_bytes = 0
        super().on_message_complete()

    @property
    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _settle(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        if self._is_answering:
            # The head of the next request is read while this one is worked on, however long.
            self._deadline = self.loop.call_later(WITHIN_S, self._give_up)
        elif self._in_head:
            detail = f"The head of the request did not come within {WITHIN_S:.0f} s."
            self._refuse(Problem(408, "REQUEST_TIMEOUT", detail))
        else:
            self.transport.close()

    def _refuse(self, problem: Problem) -> None:
        answer = problem.response()
        phrase = problem.title.encode("ascii")
        head = [b"HTTP/1.1 %d %b\r\n" % (problem.status, phrase), b"connection: close\r\n"]
        head += [b"%b: %b\r\n" % header for header in answer.raw_headers]
        # In the midst of another answer it would be garbage.
        if not self._is_answering:
            self.transport.write(b"".join([*head, b"\r\n", bytes(answer.body)]))
        self.transport.close()
