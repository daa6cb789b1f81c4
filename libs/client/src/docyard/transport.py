"""Sends requests and waits out what passes: refused connections, overload, rate limits."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
from pydantic import TypeAdapter, ValidationError

from docyard.endpoints import is_loopback
from docyard.errors import ApiError, ProtocolError, UnreachableError, error_of
from docyard.problems import problem_of
from docyard.retrying import RetryPolicy

_Answer = TypeVar("_Answer")

TIMEOUT = httpx.Timeout(60.0, connect=10.0, pool=None)
"""Seconds without a byte, not for the whole call: a large upload may take as long as it needs."""

_WORTH_REPEATING = frozenset({408, 429, 502, 503, 504})


@dataclass(frozen=True)
class Request:
    """One call. Everything Docyard offers may be repeated, but for a body that is used up."""

    method: str
    url: str
    params: Mapping[str, Any] = field(default_factory=dict)
    json: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Callable[[], Mapping[str, Any]] | None = None  # further arguments, made per attempt
    repeatable: bool = True
    repeat_codes: frozenset[str] = frozenset()  # of refusals that pass, beside overload


class Transport:
    """One service of Docyard over HTTP. Safe to share between tasks of one event loop."""

    def __init__(self, base_url: str, *, token: str | None, retry: RetryPolicy) -> None:
        self.base_url = base_url
        self._retry = retry
        # A proxy of the environment must not be asked for the stack on this machine.
        self._http = httpx.AsyncClient(
            base_url=base_url,
            timeout=TIMEOUT,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            trust_env=not is_loopback(base_url),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    async def send(self, request: Request) -> httpx.Response:
        """Return the successful answer, body read.

        Raises ApiError for a refusal and UnreachableError without an answer, both after retries.
        """
        async with self.stream(request) as response:
            await _read(response)
            return response

    async def fetch(self, request: Request, shape: type[_Answer]) -> _Answer:
        """Return the answer as a *shape*. Raises ProtocolError where it is none, and as `send`."""
        response = await self.send(request)
        try:
            return TypeAdapter(shape).validate_json(response.content)
        except ValidationError as error:
            raise ProtocolError(f"{response.url} answered something else: {error}") from error

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[httpx.Response]:
        """Yield the successful answer with its body unread. Raises as `send`."""
        attempt = 1
        while True:
            try:
                response = await self._once(request)
                break
            except (ApiError, UnreachableError) as error:
                delay_s = self._delay_s(request, error, attempt)
                if delay_s is None:
                    raise
                await asyncio.sleep(delay_s)
                attempt += 1
        try:
            yield response
        except httpx.RequestError as error:
            raise _unreachable(response.request, error) from error
        finally:
            await response.aclose()

    async def _once(self, request: Request) -> httpx.Response:
        params = {name: value for name, value in request.params.items() if value is not None}
        async with _body_of(request) as body:
            sent = self._http.build_request(
                request.method,
                request.url,
                params=params or None,  # empty ones would take the place of the query in the URL
                json=request.json,
                headers=dict(request.headers),
                **body,
            )
            try:
                response = await self._http.send(sent, stream=True)
            except httpx.LocalProtocolError as error:
                # A file that grows or shrinks meanwhile no longer has the announced length.
                raise ProtocolError(f"the request changed while it was sent: {error}") from error
            except httpx.RequestError as error:
                raise _unreachable(sent, error) from error
        if response.is_success:
            return response
        try:
            await _read(response)
        finally:
            await response.aclose()
        raise error_of(problem_of(response))

    def _delay_s(self, request: Request, error: Exception, attempt: int) -> float | None:
        if not request.repeatable:
            return None
        if isinstance(error, ApiError):
            if error.status not in _WORTH_REPEATING and error.code not in request.repeat_codes:
                return None
            return self._retry.delay_s(attempt, retry_after_s=error.problem.retry_after_s)
        return self._retry.delay_s(attempt)


@asynccontextmanager
async def _body_of(request: Request) -> AsyncIterator[Mapping[str, Any]]:
    """Yield the arguments that make the body; what is read for them is closed at the end."""
    body = request.body() if request.body else {}
    try:
        yield body
    finally:
        # Left to the collector, the file of a part that broke off would stay open at its will.
        if isinstance(content := body.get("content"), AsyncGenerator):
            await content.aclose()


async def _read(response: httpx.Response) -> None:
    try:
        await response.aread()
    except httpx.RequestError as error:
        raise _unreachable(response.request, error) from error


def _unreachable(request: httpx.Request, error: httpx.RequestError) -> UnreachableError:
    where = f"{request.url.scheme}://{request.url.netloc.decode()}"
    return UnreachableError(f"{where} does not answer: {error or type(error).__name__}")
