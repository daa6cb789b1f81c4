"""Progress by WebSocket: the usual way, one connection for all watched documents."""

import json
from collections.abc import AsyncGenerator, Sequence
from typing import Any, Final, Literal

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from docyard.endpoints import Endpoints, is_loopback
from docyard.errors import NotAllowedError, Problem, ProtocolError
from docyard.models import Progress
from docyard.watching.positions import Positions
from docyard.watching.source import SourceLostError, SourceUnusableError, update_of

_PATH: Final = "/api/v1/ws/progress"
_IDS_PER_MESSAGE: Final = 100
_OPEN_TIMEOUT_S: Final = 10
_CLOSE_TIMEOUT_S: Final = 2
"""How long a server may take to say goodbye, also to somebody who has pressed Ctrl-C."""
_MAX_MESSAGE_BYTES: Final = 4 * 1024 * 1024
_SERVER_ERROR: Final = 500

MAX_DOCUMENTS: Final = 500
"""Documents that are followed at a time; the server allows a connection twice as many."""

_NOT_ALLOWED: Final = frozenset({4401, 4403})
_RECONNECT: Final = frozenset({1000, 1001, 1006, 1011, 1012, 1013, 4503, 4508, 4510, 4511})


class WebSocketSource:
    """Connects, says who it is, subscribes to what is pending and reads."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._url = f"{endpoints.websocket}{_PATH}"
        self._token = endpoints.token
        # A proxy of the environment must not be asked for the stack on this machine.
        self._proxy: Literal[True] | None = None if is_loopback(endpoints.notifier) else True

    async def follow(self, positions: Positions) -> AsyncGenerator[Progress, None]:
        """Yield updates until the connection ends. Raises as `Source` says."""
        try:
            async with connect(
                self._url,
                open_timeout=_OPEN_TIMEOUT_S,
                close_timeout=_CLOSE_TIMEOUT_S,
                max_size=_MAX_MESSAGE_BYTES,
                proxy=self._proxy,
                compression=None,
            ) as socket:
                followed = positions.pending[:MAX_DOCUMENTS]
                await self._subscribe(socket, followed, positions)
                async for raw in socket:
                    for update in _updates(raw):
                        yield update
                    if positions.have_ended(followed):
                        return
        except ConnectionClosed as error:
            raise _closed(error) from error
        except InvalidStatus as error:
            passing = error.response.status_code >= _SERVER_ERROR
            raise (SourceLostError if passing else SourceUnusableError)(str(error)) from error
        except (InvalidHandshake, OSError) as error:  # TimeoutError is an OSError
            raise SourceLostError(str(error)) from error
        raise SourceLostError("the connection was closed")

    async def _subscribe(
        self, socket: ClientConnection, followed: Sequence[str], positions: Positions
    ) -> None:
        await socket.send(json.dumps({"type": "connect", "token": self._token or ""}))
        for start in range(0, len(followed), _IDS_PER_MESSAGE):
            ids = followed[start : start + _IDS_PER_MESSAGE]
            since = {id_: seq for id_ in ids if (seq := positions.newest(id_)) is not None}
            message = {"type": "subscribe", "job_ids": ids, "since": since or None}
            await socket.send(json.dumps(message))


def _updates(raw: str | bytes) -> list[Progress]:
    """Return what a message says of documents; messages about other things say nothing."""
    message = _object(raw)
    match message.get("type"):
        case "job_progress":
            return [update_of(message)]
        case "subscribed":
            return [update_of(entry) for entry in message.get("snapshot", ())]
        case "error":
            text = str(message.get("message") or message.get("code"))
            # An unknown id is left to polling: it raises where there is no such document.
            raise (SourceLostError if message.get("retryable") else SourceUnusableError)(text)
        case _:
            return []


def _object(raw: str | bytes) -> dict[str, Any]:
    try:
        message = json.loads(raw)
    except ValueError as error:
        raise ProtocolError("a message that is not JSON") from error
    return message if isinstance(message, dict) else {}


def _closed(error: ConnectionClosed) -> Exception:
    code = error.rcvd.code if error.rcvd else 1006
    reason = (error.rcvd.reason if error.rcvd else "") or str(error)
    if code in _NOT_ALLOWED:
        return NotAllowedError(Problem(status=code - 4000, code="TOKEN_REFUSED", detail=reason))
    return (SourceLostError if code in _RECONNECT else SourceUnusableError)(reason)
