"""Progress by Server-Sent Events: where a proxy lets no WebSocket pass."""

import json
from collections.abc import AsyncGenerator, AsyncIterator

import httpx

from docyard.errors import ApiError, NotAllowedError, ProtocolError, UnreachableError
from docyard.lines import lines
from docyard.models import Progress
from docyard.transport import Request, Transport
from docyard.watching.positions import Positions
from docyard.watching.source import SourceLostError, SourceUnusableError, update_of

_PATH = "/api/v1/sse/progress"
_EVENT_STREAM = "text/event-stream"

MAX_DOCUMENTS = 100
"""Documents that are followed at a time: their ids stand in the address."""


class SseSource:
    """One stream for all pending documents."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def follow(self, positions: Positions) -> AsyncGenerator[Progress, None]:
        """Yield updates until the stream ends. Raises as `Source` says."""
        followed = positions.pending[:MAX_DOCUMENTS]
        request = Request(
            "GET",
            _PATH,
            params={"job_ids": ",".join(followed)},
            headers={"Accept": _EVENT_STREAM},
            repeatable=False,
        )
        try:
            async with self._transport.stream(request) as response:
                async for data in _events(response):
                    yield update_of(data)
                    if positions.have_ended(followed):
                        return
            raise SourceLostError("the stream ended")
        except NotAllowedError:
            raise
        except UnreachableError as error:
            raise SourceLostError(str(error)) from error
        except (ApiError, ProtocolError) as error:
            raise SourceUnusableError(str(error)) from error


async def _events(response: httpx.Response) -> AsyncIterator[dict[str, object]]:
    """Yield the data of each event that carries progress (HTML standard, 9.2.6)."""
    if not response.headers.get("content-type", "").startswith(_EVENT_STREAM):
        raise ProtocolError(f"{response.url} answered no event stream")
    data: list[str] = []
    async for line in lines(response.aiter_bytes()):
        if line.startswith("data:"):
            data.append(line.removeprefix("data:").removeprefix(" "))
        elif not line and data:
            message = _object("\n".join(data))
            data.clear()
            if "data" in message:
                yield message


def _object(text: str) -> dict[str, object]:
    try:
        message = json.loads(text)
    except ValueError as error:
        raise ProtocolError("an event that is not JSON") from error
    return message if isinstance(message, dict) else {}
