"""All live connections of this process, whatever their transport."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, Protocol

from docyard_common.observability import metrics
from notifier.close_codes import CloseCode

Transport = Literal["ws", "sse"]


class Connection(Protocol):
    """Something that lasts and can be ended from outside; hashed by identity."""

    @property
    def owner(self) -> str: ...

    @property
    def transport(self) -> Transport: ...

    def close(self, code: CloseCode) -> None:
        """End it soon; returns at once, and only the first call counts."""
        ...


class TooManyConnectionsError(Exception):
    """The user has as many connections open as one may have."""


class Connections:
    """Counts connections by user and ends all of them when the process does."""

    def __init__(self, *, max_per_user: int) -> None:
        self._max_per_user = max_per_user
        self._open: dict[Connection, None] = {}
        self._per_user: Counter[str] = Counter()

    @contextmanager
    def entered(self, connection: Connection) -> Iterator[None]:
        """Count *connection* while the block runs. Raises TooManyConnectionsError."""
        if self._per_user[connection.owner] >= self._max_per_user:
            raise TooManyConnectionsError
        self._open[connection] = None
        self._per_user[connection.owner] += 1
        gauge = metrics.WS_CONNECTIONS.labels(connection.transport)
        gauge.inc()
        try:
            yield
        finally:
            gauge.dec()
            del self._open[connection]
            self._per_user[connection.owner] -= 1
            if not self._per_user[connection.owner]:
                del self._per_user[connection.owner]

    def close_all(self, code: CloseCode) -> None:
        """End every connection that is open now."""
        for connection in list(self._open):
            connection.close(code)

    async def drain(self, *, over_s: float) -> None:
        """Send everybody elsewhere, spread over *over_s*: they all come back at once otherwise."""
        leaving = list(self._open)
        for number, connection in enumerate(leaving, start=1):
            connection.close(CloseCode.GOING_AWAY)
            if number % 100 == 0:
                await asyncio.sleep(over_s * 100 / len(leaving))

    def stats(self) -> dict[str, int]:
        """Return how many there are, by transport, and of how many users."""
        by_transport = Counter(connection.transport for connection in self._open)
        return {
            "ws_connections": by_transport["ws"],
            "sse_streams": by_transport["sse"],
            "users": len(self._per_user),
        }
