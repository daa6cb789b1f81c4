"""Follows documents to their end: reconnects, falls back, and never shows anything twice."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from docyard.errors import ApiError, BusyError, UnreachableError, WatchTimeoutError
from docyard.models import Progress
from docyard.retrying import RetryPolicy
from docyard.watching.positions import Positions
from docyard.watching.source import Source, SourceLostError, SourceUnusableError

LOSSES_UNTIL_FALLBACK = 2
"""One lost connection is a restart on the other side; two in a row without a word are a wall."""

_SERVER_ERROR = 500

_JITTER = RetryPolicy(attempts=2**31, first_delay_s=0.25, max_delay_s=10.0)


class Watcher:
    """One watch. The first of *sources* is the best; the last one always works."""

    def __init__(
        self,
        positions: Positions,
        sources: Sequence[Source],
        *,
        patience_s: float = 120.0,  # without any answer from any source
        jitter: RetryPolicy = _JITTER,
    ) -> None:
        self._positions = positions
        self._sources = sources
        self._patience_s = patience_s
        self._jitter = jitter
        self._level = 0
        self._losses = 0
        self._silent_since: float | None = None  # the first loss since something was heard

    async def updates(self) -> AsyncGenerator[Progress, None]:
        """Yield newer and newer updates until every document has ended.

        Raises UnreachableError after `patience_s` of silence from everywhere, and what refuses
        the whole watch: NotFoundError, NotAllowedError.
        """
        while self._positions.pending:
            try:
                async with aclosing(self._follow(self._sources[self._level])) as updates:
                    async for update in updates:
                        yield update
                self._level = 0
            except SourceUnusableError:
                self._fall_back()
            except (SourceLostError, UnreachableError, ApiError) as error:
                await self._lost(error)

    async def _follow(self, source: Source) -> AsyncGenerator[Progress, None]:
        async with aclosing(source.follow(self._positions)) as updates:
            async for update in updates:
                self._heard()
                if self._positions.accept(update):
                    yield update
                if not self._positions.pending:
                    return

    def _heard(self) -> None:
        self._losses = 0
        self._silent_since = None

    def _fall_back(self) -> None:
        self._losses = 0
        self._level = min(self._level + 1, len(self._sources) - 1)

    async def _lost(self, error: Exception) -> None:
        if _is_final(error):
            raise error
        if self._silent_since is None:
            self._silent_since = time.monotonic()
        elif time.monotonic() - self._silent_since > self._patience_s:
            raise UnreachableError(f"no progress can be read: {error}") from error
        self._losses += 1
        delay_s = self._jitter.delay_s(self._losses)
        if self._losses >= LOSSES_UNTIL_FALLBACK:
            self._fall_back()
        await asyncio.sleep(delay_s or 0.0)


def _is_final(error: Exception) -> bool:
    """Whether asking again would be answered the same."""
    return (
        isinstance(error, ApiError)
        and error.status < _SERVER_ERROR
        and not isinstance(error, BusyError)
    )


async def until(
    updates: AsyncGenerator[Progress, None],
    positions: Positions,
    *,
    timeout_s: float | None,
) -> AsyncGenerator[Progress, None]:
    """Yield *updates*. Raises WatchTimeoutError when they have not ended after *timeout_s*."""
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    while positions.pending:  # what comes after the last end is the closing of connections
        left_s = None if deadline is None else deadline - time.monotonic()
        try:
            async with asyncio.timeout(left_s):
                update = await anext(updates)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise WatchTimeoutError(frozenset(positions.pending)) from None
        yield update
