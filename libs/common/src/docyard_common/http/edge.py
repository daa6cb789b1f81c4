"""The outermost layer of a request: its id, its trace, its log line, its metric, its last resort.

Pure ASGI: bodies and streams pass through piece by piece.
"""

import logging
import re
import time
from typing import Final

from opentelemetry.trace import SpanKind
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from docyard_common.http import problems
from docyard_common.ids import uuid7
from docyard_common.observability import metrics, tracing
from docyard_common.observability.logging import bind

logger = logging.getLogger(__name__)

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_CLIENT_GONE: Final = 499
"""What is noted, never sent, when the client went away before its answer was out."""
_QUIET_ROUTES: Final = frozenset({"/metrics", "/health", "/health/live", "/health/ready"})


class EdgeMiddleware:
    """Wraps every HTTP request and WebSocket session."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = _request_id(headers)
        traceparent = tracing.extract(headers)
        name = f"{scope.get('method', 'WS')} request"
        with (
            bind(request_id=request_id),
            tracing.span(name, traceparent=traceparent, kind=SpanKind.SERVER) as span,
        ):
            if scope["type"] == "websocket":
                await self._app(scope, receive, send)
                return
            answer = _Answer(send, request_id)
            await self._respond(scope, receive, answer)
            span.update_name(f"{scope['method']} {_route(scope)}")
            span.set_attribute("http.response.status_code", answer.status)

    async def _respond(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        started = time.perf_counter()
        metrics.HTTP_ACTIVE.inc()
        try:
            await self._app(scope, receive, answer.send)
        except ClientDisconnect:
            # Nobody is left to be answered; it is no error of the service.
            answer.status = _CLIENT_GONE
        except Exception:
            logger.exception("http.unforeseen_error", extra={"route": _route(scope)})
            if answer.status:
                # Half an answer is out: only a broken connection tells the client so.
                answer.status = 500
                raise
            detail = "Something unforeseen went wrong; it has been noted under this trace_id."
            response = problems.of_status(500, detail).response()
            await response(scope, receive, answer.send)
        finally:
            metrics.HTTP_ACTIVE.dec()
            _observe(scope, answer, time.perf_counter() - started)


class _Answer:
    """Passes an answer on and remembers its status and size."""

    def __init__(self, send: Send, request_id: str) -> None:
        self.status = 0  # until the head of the answer is out
        self.body_bytes = 0
        self._send = send
        self._request_id = request_id

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-Id"] = self._request_id
            traceparent = tracing.current_traceparent()
            if traceparent:
                headers[tracing.TRACEPARENT] = traceparent
        elif message["type"] == "http.response.body":
            self.body_bytes += len(message.get("body", b""))
        await self._send(message)


def _request_id(headers: Headers) -> str:
    """Return the caller's id when it can be logged as it is, otherwise one of ours."""
    given = headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else str(uuid7())


def _route(scope: Scope) -> str:
    """Return the template of the route, so that ids in paths do not become labels."""
    path = getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) and path else "unmatched"


def _observe(scope: Scope, answer: _Answer, duration_s: float) -> None:
    route = _route(scope)
    status = answer.status or _CLIENT_GONE
    metrics.HTTP_DURATION.labels(scope["method"], route, f"{status // 100}xx").observe(duration_s)
    logger.log(
        logging.DEBUG if route in _QUIET_ROUTES else logging.INFO,
        "http.request",
        extra={
            "method": scope["method"],
            "path": scope["path"],
            "route": route,
            "status": status,
            "duration_ms": round(duration_s * 1000, 1),
            "bytes_out": answer.body_bytes,
        },
    )
