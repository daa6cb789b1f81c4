"""Progress by Server-Sent Events, for those whose way lets no WebSocket pass."""

import asyncio
import contextlib
from collections.abc import Collection, Mapping
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import Response, StreamingResponse
from fastapi.security import HTTPBearer
from starlette.types import Receive, Scope, Send

from docyard_common.auth import Principal
from docyard_common.http import Problem
from docyard_common.http.problems import of_fields
from notifier.connections import TooManyConnectionsError
from notifier.credentials import token_of
from notifier.following import NOT_FOUND
from notifier.live import Live
from notifier.stream import Stream

_HEADERS: Final = {
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",  # a proxy that buffers turns a stream into a late download
}
_EVENTS: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "Events with `id` = `seq`, `event: job_progress`, data as on the WebSocket",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    },
    204: {"description": "The document has ended, and you have seen it"},
}
_LastEventId = Annotated[
    int | None, Header(ge=0, lt=2**53, description="The last `seq` that was seen")
]
_Token = Annotated[str | None, Query(description="For browsers, which can set no header here")]


def streams(live: Live) -> APIRouter:
    """Return the routes of the event streams."""
    # The scheme is declared for the OpenAPI document; `token_of` reads header and query.
    bearer = Depends(HTTPBearer(auto_error=False, bearerFormat="JWT"))
    router = APIRouter(
        prefix="/api/v1",
        tags=["progress"],
        default_response_class=Response,
        dependencies=[bearer],
    )

    @router.get(
        "/documents/{document_id}/events/stream",
        summary="Follow one document to its end",
        responses=_EVENTS,
    )
    async def one(
        request: Request,
        document_id: UUID,
        last_event_id: _LastEventId = None,
        token: _Token = None,
    ) -> Response:
        """Send what was missed after `Last-Event-ID`, then every change; ends with the document."""
        caller = await _caller(request, live, token)
        view = await live.arrivals.find(document_id, owner=caller.subject)
        if view is None:
            raise _not_found(document_id)
        if view.is_terminal and last_event_id is not None and view.seq <= last_event_id:
            # An EventSource comes back for ever unless it is told that there is no more.
            return Response(status_code=204)
        since = {} if last_event_id is None else {document_id: last_event_id}
        return await _respond(live, caller, {document_id}, since=since, until_terminal=True)

    @router.get("/sse/progress", summary="Follow many documents", responses={200: _EVENTS[200]})
    async def many(
        request: Request,
        job_ids: Annotated[str, Query(description="Separated by commas; none: all of yours")] = "",
        token: _Token = None,
    ) -> Response:
        """Send where each document is, then every change, until you leave.

        Positions of different documents do not compare: whoever reconnects is told the newest
        state of each.
        """
        caller = await _caller(request, live, token)
        document_ids = _ids(job_ids, limit=live.settings.stream.max_subscriptions)
        return await _respond(live, caller, document_ids, since={}, until_terminal=False)

    return router


class _EventStream(StreamingResponse):
    """A response that gives back what it holds, however it ends."""

    def __init__(self, stream: Stream, held: contextlib.ExitStack, *, until_terminal: bool) -> None:
        lines = stream.lines(until_terminal=until_terminal)
        super().__init__(lines, media_type="text/event-stream", headers=_HEADERS)
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._held:
            await super().__call__(scope, receive, send)


async def _respond(
    live: Live,
    caller: Principal,
    document_ids: Collection[UUID],
    *,
    since: Mapping[UUID, int],
    until_terminal: bool,
) -> Response:
    stream = Stream(live, owner=caller.subject, expires_at=caller.expires_at)
    with contextlib.ExitStack() as held:
        _enter(stream, live, held)
        held.callback(stream.leave)
        missing = await stream.open(document_ids, since=since)
        await _await_all(missing, live, caller)
        return _EventStream(stream, held.pop_all(), until_terminal=until_terminal)


def _enter(stream: Stream, live: Live, held: contextlib.ExitStack) -> None:
    try:
        held.enter_context(live.connections.entered(stream))
    except TooManyConnectionsError:
        detail = "You have too many open connections; close some."
        headers = {"Retry-After": "30"}
        raise Problem(429, "TOO_MANY_CONNECTIONS", detail, headers=headers) from None


async def _await_all(missing: Collection[UUID], live: Live, caller: Principal) -> None:
    """Wait for young documents to arrive; the stream follows them already. Raises Problem 404."""
    found = await asyncio.gather(
        *(live.arrivals.find(document_id, owner=caller.subject) for document_id in missing)
    )
    for document_id, view in zip(missing, found, strict=True):
        if view is None:
            raise _not_found(document_id)


async def _caller(request: Request, live: Live, token: str | None) -> Principal:
    """Return the caller, by header or query. Raises InvalidTokenError, answered as 401."""
    del token  # declared for the OpenAPI document; whether it counts is a setting
    in_query = live.settings.stream.token_in_query
    return await live.verifier.verify(token_of(request, in_query=in_query))


def _ids(text: str, *, limit: int) -> set[UUID]:
    """Read ids separated by commas. Raises Problem 422."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if len(parts) > limit:
        detail = f"One stream follows at most {limit} documents."
        raise Problem(422, "TOO_MANY_SUBSCRIPTIONS", detail, limit=limit)
    try:
        return {UUID(part) for part in parts}
    except ValueError:
        message = "ids are UUIDs, separated by commas"
        raise of_fields(
            [{"loc": ("query", "job_ids"), "type": "uuid_parsing", "msg": message}]
        ) from None


def _not_found(document_id: UUID) -> Problem:
    return Problem(404, "DOCUMENT_NOT_FOUND", NOT_FOUND, document_id=str(document_id))
