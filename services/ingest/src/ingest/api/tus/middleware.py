"""What tus wants around every answer, refusals of any kind included."""

from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ingest.api.tus.protocol import VERSION

PATH: Final = "/tus"
_OVERRIDES: Final = frozenset({"PATCH", "DELETE", "HEAD"})


class TusMiddleware:
    """Names the version in every answer below `/tus`, and obeys `X-HTTP-Method-Override`.

    Networks that let only GET and POST through are why the protocol has the override.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _is_tus(scope["path"]):
            await self._app(scope, receive, send)
            return

        async def versioned(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["Tus-Resumable"] = VERSION
            await send(message)

        await self._app(_overridden(scope), receive, versioned)


def _is_tus(path: str) -> bool:
    return path == PATH or path.startswith(f"{PATH}/")


def _overridden(scope: Scope) -> Scope:
    wanted = Headers(scope=scope).get("x-http-method-override", "").upper()
    if scope["method"] != "POST" or wanted not in _OVERRIDES:
        return scope
    return {**scope, "method": wanted}
