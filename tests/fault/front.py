"""A load balancer in front of replicas of ingest: it knows which parts came, and how often."""

import contextlib
import itertools
import re
import socket
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

_PART: Final = re.compile(r"/api/v1/documents/upload/[^/]+/parts/(\d+)")
_METHODS: Final = ["GET", "POST", "PUT", "DELETE"]
_NOT_PASSED: Final = {"host", "connection", "transfer-encoding", "content-encoding"}


class Front:
    """Hands each request to the next replica in turn; one that does not answer is a 502."""

    def __init__(self, replicas: Sequence[str], *, on_part: Callable[[], bool]) -> None:
        """Call *on_part* when a replica has taken a part; it tells whether it killed something."""
        self._turn = itertools.cycle(replicas)
        self._on_part = on_part
        self._http = httpx.AsyncClient(timeout=60, trust_env=False)
        self._flying: Counter[int] = Counter()
        self.taken: set[int] = set()
        """Parts that a replica has said it took, whether its client heard of it or not."""
        self.unheard: set[int] = set()
        """Parts of which a request found no answer: its replica may have taken them."""
        self.sent_again: Counter[int] = Counter()
        """How often a request came for a part that was taken already."""
        self.in_flight_at_kills: Counter[int] = Counter()
        route = Route("/{path:path}", self._forward, methods=_METHODS)
        app = Starlette(routes=[route], lifespan=self._lifespan)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="critical"))
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join()

    @contextlib.asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        async with self._http:
            yield

    async def _forward(self, request: Request) -> Response:
        part = _PART.fullmatch(request.url.path) if request.method == "PUT" else None
        number = int(part[1]) if part else 0
        if number in self.taken:
            self.sent_again[number] += 1
        self._flying[number] += 1
        try:
            answer = await self._answer(request)
        except (httpx.HTTPError, ClientDisconnect):
            self.unheard.add(number)
            return Response(status_code=502)
        finally:
            self._flying[number] -= 1
        if part and answer.is_success:
            self.taken.add(number)
            # Before the client can hear of it: what is killed here loses this answer.
            if self._on_part():
                self.in_flight_at_kills.update(set(+self._flying))
        return Response(answer.content, answer.status_code, _passed(answer.headers))

    async def _answer(self, request: Request) -> httpx.Response:
        has_body = "content-length" in request.headers
        return await self._http.request(
            request.method,
            f"{next(self._turn)}{request.url.path}?{request.url.query}",
            headers=_passed(request.headers),
            content=request.stream() if has_body else None,
        )


def _passed(headers: httpx.Headers | Headers) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _NOT_PASSED}
