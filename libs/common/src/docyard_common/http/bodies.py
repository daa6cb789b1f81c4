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

    Left alone are multipart forms, whose routes read them part by part under their own limits,
    and paths whose start matches one of *streamed_paths*, regular expressions.
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
        content_type = Headers(scope=scope).get("content-type", "")
        is_form = content_type.lower().startswith("multipart/form-data")
        return is_form or any(path.match(scope["path"]) for path in self._streamed_paths)


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
