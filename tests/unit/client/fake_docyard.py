"""A small Docyard that speaks the contract over real sockets, and fails on demand."""

import json
import socket
import threading
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

TOKEN = "a-token"
RUNNING = ("validating", "extracting", "analyzing", "indexing")


@dataclass(frozen=True)
class Answer:
    """What is answered instead of the usual."""

    status: int
    body: Mapping[str, Any] | str = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        if isinstance(self.body, str):
            return PlainTextResponse(self.body, self.status, headers=dict(self.headers))
        return JSONResponse(
            dict(self.body) | {"status": self.status}, self.status, headers=dict(self.headers)
        )


@dataclass
class FakeDocyard:
    """All services at one address. Change the public fields to change how it behaves."""

    url: str = ""
    documents: dict[str, dict[str, Any]] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    entries: dict[str, dict[str, Any]] = field(default_factory=dict)
    replays: list[dict[str, Any]] = field(default_factory=list)
    answers: deque[Answer] = field(default_factory=deque)  # for the next HTTP requests
    requests: list[tuple[str, str]] = field(default_factory=list)  # method and path
    bodies: list[bytes] = field(default_factory=list)
    idempotency_keys: list[str] = field(default_factory=list)
    live: set[str] = field(default_factory=lambda: {"websocket", "sse"})
    closes: deque[int] = field(default_factory=deque)  # codes that end the next WebSockets early
    connections: list[str] = field(default_factory=list)  # the kinds of streams that were opened
    lag: int = 0  # reads of an ended document that still show it running
    connected: threading.Event = field(default_factory=threading.Event)  # a WebSocket was accepted
    ends: dict[str, str] = field(default_factory=dict)  # file name: state it ends in
    dependencies: dict[str, dict[str, Any]] = field(default_factory=dict)  # in `/health`
    queue: dict[str, Any] = field(default_factory=lambda: {"stages": [], "age_s": 1.0})
    silent: int = 0  # unfinished documents that `reconcile` would ask for

    def add(self, *, filename: str = "a.txt", state: str = "accepted", seq: int = 0) -> str:
        """Put a document there and return its id."""
        document_id = str(uuid4())
        self.documents[document_id] = {
            "document_id": document_id,
            "filename": filename,
            "state": state,
            "seq": seq,
            "progress": 0.0,
            "size_bytes": 5,
            "created_at": "2026-01-02T03:04:05Z",
            "error": None,
        }
        return document_id

    def life(self, document_id: str) -> list[dict[str, Any]]:
        """Return the messages of a document from beginning to end."""
        end = self.ends.get(self.documents[document_id]["filename"], "completed")
        running = [
            {"state": state, "stage": state, "progress": index * 25.0, "message": ""}
            for index, state in enumerate(RUNNING)
        ]
        error = {"code": "encrypted_document", "message": "it has a password", "retryable": False}
        last = {"state": end, "progress": 100.0, "error": error if end == "failed" else None}
        return [
            {"type": "job_progress", "job_id": document_id, "seq": seq, "data": data}
            for seq, data in enumerate([*running, last], start=1)
        ]

    def settle(self, document_id: str) -> None:
        """Bring a document to its end."""
        last = self.life(document_id)[-1]
        self.documents[document_id] |= last["data"] | {"seq": last["seq"]}


@contextmanager
def running() -> Iterator[FakeDocyard]:
    """Serve a FakeDocyard until the end of the block."""
    fake = FakeDocyard()
    listener = socket.create_server(("127.0.0.1", 0))
    fake.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    config = uvicorn.Config(
        _app(fake), log_level="critical", ws="websockets-sansio", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield fake
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def _app(fake: FakeDocyard) -> Starlette:
    calls = _Calls(fake)
    return Starlette(
        routes=[
            Route("/api/v1/documents/upload/simple", calls.upload, methods=["POST"]),
            Route("/api/v1/documents", calls.documents),
            Route("/api/v1/documents/{id}", calls.document, methods=["GET", "DELETE"]),
            Route("/api/v1/documents/{id}/cancel", calls.cancel, methods=["POST"]),
            Route("/api/v1/documents/{id}/text", calls.text),
            Route("/api/v1/documents/{id}/original", calls.original),
            Route("/api/v1/search", calls.search),
            Route("/api/v1/queue", calls.queue),
            Route("/api/v1/reconcile", calls.reconcile, methods=["POST"]),
            Route("/health", calls.health),
            Route("/api/v1/sse/progress", calls.events),
            Route("/api/v1/dlq/entries", calls.entries),
            Route("/api/v1/dlq/entries/{id}/{verb}", calls.change_entry, methods=["POST"]),
            Route("/api/v1/dlq/replays", calls.replay, methods=["POST"]),
            Route("/api/v1/dlq/export", calls.export),
            WebSocketRoute("/api/v1/ws/progress", calls.progress),
        ],
        middleware=[Middleware(_Doorkeeper, fake=fake)],
    )


class _Doorkeeper:
    """Notes every request, and gives the answers that a test has asked for."""

    def __init__(self, app: ASGIApp, *, fake: FakeDocyard) -> None:
        self._app = app
        self._fake = fake

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self._fake.requests.append((scope["method"], scope["path"]))
        answer: ASGIApp = self._app
        open_to_all = scope["path"] == "/health"
        told = dict(scope["headers"]).get(b"authorization")
        if not open_to_all and told != f"Bearer {TOKEN}".encode():
            answer = problem(401, "TOKEN_INVALID", "the token is not valid").response()
        elif self._fake.answers:
            answer = self._fake.answers.popleft().response()
        await answer(scope, receive, send)


class _Calls:
    def __init__(self, fake: FakeDocyard) -> None:
        self._fake = fake

    async def upload(self, request: Request) -> Response:
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
        self._fake.bodies.append(bytes(body))
        self._fake.idempotency_keys.append(request.headers["idempotency-key"])
        filename = bytes(body).partition(b'filename="')[2].partition(b'"')[0].decode()
        if filename.endswith(".exe"):
            return problem(422, "UNSUPPORTED_TYPE", "Docyard does not read such files").response()
        document_id = self._fake.add(filename=filename)
        links = {"self": f"/api/v1/documents/{document_id}"}
        answer = {"document_id": document_id, "job_id": document_id, "status": "accepted"}
        return JSONResponse(answer | {"links": links}, 202)

    async def documents(self, request: Request) -> Response:
        limit = int(request.query_params["limit"])
        start = int(request.query_params.get("cursor", 0))
        items = list(self._fake.documents.values())
        following = str(start + limit) if start + limit < len(items) else None
        return JSONResponse({"items": items[start : start + limit], "next_cursor": following})

    async def document(self, request: Request) -> Response:
        document = self._fake.documents.get(request.path_params["id"])
        if document is None:
            return _missing()
        if request.method == "DELETE":
            del self._fake.documents[document["document_id"]]
            return Response(status_code=204)
        if not self._fake.live:
            self._fake.settle(document["document_id"])
        if self._fake.lag:
            self._fake.lag -= 1
            return JSONResponse(document | {"state": "indexing", "seq": 0})
        return JSONResponse(document)

    async def cancel(self, request: Request) -> Response:
        document = self._fake.documents.get(request.path_params["id"])
        if document is None:
            return _missing()
        if document["state"] == "completed":
            return problem(409, "ALREADY_TERMINAL", "the document has completed").response()
        return JSONResponse(document, 202)

    async def text(self, request: Request) -> Response:
        return PlainTextResponse(f"the text of {request.path_params['id']}")

    async def original(self, request: Request) -> Response:
        content = self._fake.contents[request.path_params["id"]]

        async def chunks() -> AsyncIterator[bytes]:
            for start in range(0, len(content), 1000):
                yield content[start : start + 1000]

        return StreamingResponse(chunks(), media_type="application/pdf")

    async def search(self, request: Request) -> Response:
        hit = {
            "document_id": "d",
            "filename": "a\x1b[31m.pdf",
            "page_first": 3,
            "page_last": 4,
            "score": 0.5,
            "snippet": f"about {request.query_params['q']}",
            "highlights": [{"start": 6, "end": 8}],
        }
        return JSONResponse({"items": [hit]})

    async def health(self, _request: Request) -> Response:
        return JSONResponse({"version": "0.1.0", "dependencies": self._fake.dependencies})

    async def queue(self, _request: Request) -> Response:
        return JSONResponse(self._fake.queue)

    async def reconcile(self, _request: Request) -> Response:
        return JSONResponse({"unfinished": 5, "asked": self._fake.silent})

    async def events(self, request: Request) -> Response:
        if "sse" not in self._fake.live:
            return PlainTextResponse("no such page", 404)
        self._fake.connections.append("sse")
        ids = request.query_params["job_ids"].split(",")

        async def events() -> AsyncIterator[str]:
            yield ": hello\n\n"
            for document_id in ids:
                self._fake.settle(document_id)
                for message in self._fake.life(document_id):
                    yield f"event: job_progress\r\ndata: {json.dumps(message)}\r\n\r\n"

        return StreamingResponse(events(), media_type="text/event-stream")

    async def progress(self, socket: WebSocket) -> None:
        if "websocket" not in self._fake.live:
            await socket.close()
            return
        await socket.accept()
        self._fake.connections.append("websocket")
        self._fake.connected.set()
        if (await socket.receive_json())["token"] != TOKEN:
            await socket.close(4401, "the token is not valid")
            return
        await socket.send_json({"type": "connected", "session": "s"})
        while (message := await socket.receive()).get("text"):
            await self._tell(socket, json.loads(message["text"])["job_ids"])

    async def _tell(self, socket: WebSocket, ids: Sequence[str]) -> None:
        unknown = [document_id for document_id in ids if document_id not in self._fake.documents]
        if unknown:
            await socket.send_json({"type": "error", "code": "NOT_FOUND", "message": "unknown"})
            return
        lives = [self._fake.life(document_id) for document_id in ids]
        snapshot = [life[0] for life in lives]
        await socket.send_json({"type": "subscribed", "recovered": False, "snapshot": snapshot})
        for message in (message for life in lives for message in life[:3]):
            await socket.send_json(message)
        if self._fake.closes:
            await socket.close(self._fake.closes.popleft())
            return
        for document_id in ids:
            self._fake.settle(document_id)
        for message in (message for life in lives for message in life):
            await socket.send_json(message)

    async def entries(self, request: Request) -> Response:
        wanted = request.query_params.get("fingerprint")
        items = [e for e in self._fake.entries.values() if wanted in {None, e["fingerprint"]}]
        return JSONResponse({"items": items, "next_cursor": None})

    async def change_entry(self, request: Request) -> Response:
        entry = self._fake.entries.get(request.path_params["id"])
        if entry is None:
            return _missing()
        verb = request.path_params["verb"]
        entry["state"] = {"discard": "discarded", "restore": "open"}[verb]
        return JSONResponse(entry)

    async def replay(self, request: Request) -> Response:
        order = await request.json()
        self._fake.replays.append(order)
        replay = {"id": "r", "status": "completed", "matched": 2, "dry_run": order["dry_run"]}
        return JSONResponse(replay, 202)

    async def export(self, _request: Request) -> Response:
        lines = [json.dumps(entry, ensure_ascii=False) for entry in self._fake.entries.values()]
        return Response("\n".join(lines), media_type="application/x-ndjson")


def problem(status: int, code: str, detail: str, **more: Any) -> Answer:
    return Answer(status, {"code": code, "detail": detail, "trace_id": "t-1"} | more)


def _missing() -> Response:
    return problem(404, "DOCUMENT_NOT_FOUND", "there is no such document").response()
