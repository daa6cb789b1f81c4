"""Keeps request bodies that are read whole small, so that nobody can fill the memory."""

import re
from collections.abc import Sequence
from typing import Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from docyard_common.http import problems

MAX_BODY_BYTES: Final = 1024 * 1024
_DETAIL: Final = f"The body has more than {MAX_BODY_BYTES} bytes."


class BodyLimitMiddleware:
    """Refuses bodies above a mebibyte with 413, told or counted.

    Left alone are paths that match one of *streamed_paths*, regular expressions, as a whole: their
    routes read piece by piece under limits of their own. With a slash behind they are redirected
    before anything is read. The content type says nothing: FastAPI reads the body of a JSON route
    whole, whatever its type, and before anybody asks for a token.
    """

    def __init__(self, app: ASGIApp, *, streamed_paths: Sequence[str] = ()) -> None:
        self._app = app
        self._streamed_paths = [re.compile(path) for path in streamed_paths]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._is_streamed(scope):
            await self._app(scope, receive, send)
            return
        told = Headers(scope=scope).get("content-length", "")
        if told.isdigit() and int(told) > MAX_BODY_BYTES:
            await problems.of_status(413, _DETAIL).response()(scope, receive, send)
            return
        await self._app(scope, _counted(receive), send)

    def _is_streamed(self, scope: Scope) -> bool:
        path = scope["path"].rstrip("/")
        return any(streamed.fullmatch(path) for streamed in self._streamed_paths)


def _counted(receive: Receive) -> Receive:
    received = 0

    async def counting() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > MAX_BODY_BYTES:
            # FastAPI turns every other error of reading a body into a 400.
            raise HTTPException(413, _DETAIL)
        return message

    return counting
