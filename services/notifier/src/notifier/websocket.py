"""`WS /api/v1/ws/progress`: one reader and one writer per connection, and every way it can end."""

import asyncio
import contextlib
import logging
import time
from typing import Any

from fastapi import APIRouter
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from docyard_common.auth import InvalidTokenError, Principal
from docyard_common.errors import DependencyUnavailableError
from docyard_common.observability import metrics
from notifier.close_codes import REASONS, CloseCode
from notifier.connections import TooManyConnectionsError
from notifier.credentials import token_of
from notifier.live import Live
from notifier.mailbox import Item, SlowReaderError
from notifier.messages import BadMessageError, Connect, parse
from notifier.session import Session

logger = logging.getLogger(__name__)

_BATCH = 64
"""Messages taken from the mailbox at once: what is still in it can be replaced by newer ticks."""
_CLOSE_PATIENCE_S = 10.0
"""How long a reader that has stopped may take to make room for the close frame."""


class RefusedError(Exception):
    """The client is not let in; *code* says why."""

    def __init__(self, code: CloseCode) -> None:
        super().__init__(REASONS[code])
        self.code = code


def sockets(live: Live) -> APIRouter:
    """Return the route of the WebSocket."""
    router = APIRouter()

    @router.websocket("/api/v1/ws/progress")
    async def progress(websocket: WebSocket) -> None:
        await websocket.accept()
        try:
            await _serve(websocket, live)
        except RefusedError as refused:
            await _close(websocket, refused.code)
        except WebSocketDisconnect:
            metrics.WS_CLOSES.labels("client").inc()
        except Exception:
            logger.exception("session.died")
            await _close(websocket, CloseCode.INTERNAL_ERROR)

    return router


async def _serve(websocket: WebSocket, live: Live) -> None:
    """Let the client in and talk to it until one side ends.

    Raises RefusedError, or WebSocketDisconnect when the client has gone.
    """
    _check_origin(websocket, live)
    session = Session(live, await _authenticate(websocket, live))
    try:
        with live.connections.entered(session):
            session.greet()
            await _talk(websocket, session, patience_s=live.settings.outbox.max_age_s)
    except TooManyConnectionsError:
        raise RefusedError(CloseCode.TOO_MANY_CONNECTIONS) from None
    finally:
        session.leave()


def _check_origin(websocket: WebSocket, live: Live) -> None:
    """Refuse pages of other origins where an allow-list is set; programs send no origin."""
    origin = websocket.headers.get("origin")
    allowed = live.settings.http.cors_origins
    if origin and allowed and origin not in allowed and "*" not in allowed:
        raise RefusedError(CloseCode.ORIGIN_REFUSED)


async def _authenticate(websocket: WebSocket, live: Live) -> Principal:
    """Return who is there, by header, query or first message. Raises RefusedError."""
    try:
        token = token_of(websocket, in_query=live.settings.stream.token_in_query)
        if not token:
            async with asyncio.timeout(live.settings.stream.connect_timeout_s):
                token = _first(await _receive(websocket)).token
        return await live.verifier.verify(token)
    except TimeoutError:
        raise RefusedError(CloseCode.CONNECT_TIMEOUT) from None
    except BadMessageError:
        raise RefusedError(CloseCode.BAD_MESSAGES) from None
    except InvalidTokenError:
        raise RefusedError(CloseCode.UNAUTHENTICATED) from None
    except DependencyUnavailableError:
        raise RefusedError(CloseCode.GOING_AWAY) from None


def _first(frame: str | bytes) -> Connect:
    message = parse(frame)
    if not isinstance(message, Connect):
        raise RefusedError(CloseCode.UNAUTHENTICATED)
    return message


async def _talk(websocket: WebSocket, session: Session, *, patience_s: float) -> None:
    """Read and write until the session is to be closed.

    Raises RefusedError with the reason, or WebSocketDisconnect when the client has gone.
    """
    reader = asyncio.create_task(_read(websocket, session))
    writer = asyncio.create_task(_write(websocket, session, patience_s))
    ends: set[asyncio.Future[Any]] = {reader, writer, session.closing}
    try:
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for task in (reader, writer):
            if task.done():
                task.result()
        raise RefusedError(session.closing.result())
    except (SlowReaderError, TimeoutError):
        raise RefusedError(CloseCode.SLOW) from None
    finally:
        for task in (reader, writer):
            task.cancel()
        await asyncio.gather(reader, writer, return_exceptions=True)


async def _read(websocket: WebSocket, session: Session) -> None:
    """Let the session hear every frame. One at a time: who asks faster than we answer waits."""
    while True:
        await session.hear(await _receive(websocket))


async def _write(websocket: WebSocket, session: Session, patience_s: float) -> None:
    """Send what is in the mailbox, as it comes.

    Raises SlowReaderError, or TimeoutError when the client reads nothing for *patience_s*.
    """
    while True:
        items = await session.mailbox.take(_BATCH)
        async with asyncio.timeout(patience_s):
            for item in items:
                await websocket.send_text(item if isinstance(item, str) else item.text)
        _observe(items)


async def _receive(websocket: WebSocket) -> str | bytes:
    """Return the next frame. Raises WebSocketDisconnect."""
    message = await websocket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message["code"], message.get("reason"))
    text: str | None = message.get("text")
    return text if text is not None else bytes(message["bytes"])


async def _close(websocket: WebSocket, code: CloseCode) -> None:
    metrics.WS_CLOSES.labels(str(int(code))).inc()
    if websocket.client_state is WebSocketState.DISCONNECTED:
        return
    with contextlib.suppress(TimeoutError, WebSocketDisconnect, RuntimeError):
        async with asyncio.timeout(_CLOSE_PATIENCE_S):
            await websocket.close(code, REASONS[code])


def _observe(items: list[Item]) -> None:
    now_ms = time.time() * 1000
    for item in items:
        if isinstance(item, str):
            metrics.WS_SENT.labels("ws", "reply").inc()
        else:
            metrics.WS_SENT.labels("ws", "job_progress").inc()
            if item.timestamp_ms:
                metrics.WS_LATENCY.observe(max(0.0, now_ms - item.timestamp_ms) / 1000)
