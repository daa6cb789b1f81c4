"""What waits to be written to one connection: bounded, in order, newest-wins for ticks.

Single-threaded: every call is made on the event loop, and none but `take` waits.
"""

import asyncio
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

from docyard_common.observability import metrics
from notifier.settings import OutboxSettings
from notifier.updates import Update

Item: TypeAlias = str | Update
"""A reply as JSON text, or an update that is shared between connections."""


class SlowReaderError(Exception):
    """The reader fell behind its bounds: the mailbox was emptied and takes nothing more."""


@dataclass(slots=True)
class _Waiting:
    item: Item
    size: int
    since: float


class Mailbox:
    """The outbox of one connection. Whatever is put comes out in the order it was put."""

    def __init__(
        self, settings: OutboxSettings, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._waiting: dict[int, _Waiting] = {}
        self._ticks: dict[UUID, int] = {}
        self._number = 0
        self._bytes = 0
        self._overflowed = False
        self._filled = asyncio.Event()

    def put(self, item: Item) -> None:
        """Add *item*; a tick of the same document that still waits gives way to it.

        A tick that is replaced was older in every respect; changes are never replaced.
        """
        if self._overflowed:
            return
        if isinstance(item, Update):
            self._drop_tick(item.document_id)
        text = item if isinstance(item, str) else item.text
        self._number += 1
        self._waiting[self._number] = _Waiting(item, len(text), self._clock())
        self._bytes += len(text)
        if isinstance(item, Update) and not item.change:
            self._ticks[item.document_id] = self._number
        if self._is_over():
            self._overflow()
        self._filled.set()

    async def take(self, limit: int) -> list[Item]:
        """Wait until something is there and return up to *limit* items.

        Cancelling it loses nothing. Raises SlowReaderError once the bounds were broken.
        """
        await self._filled.wait()
        if self._overflowed:
            raise SlowReaderError
        numbers = list(itertools.islice(self._waiting, limit))
        items = [self._remove(number).item for number in numbers]
        if not self._waiting:
            self._filled.clear()
        return items

    def __len__(self) -> int:
        return len(self._waiting)

    def _drop_tick(self, document_id: UUID) -> None:
        if (number := self._ticks.get(document_id)) is not None:
            self._remove(number)
            metrics.WS_COALESCED.inc()

    def _remove(self, number: int) -> _Waiting:
        waiting = self._waiting.pop(number)
        self._bytes -= waiting.size
        if isinstance(waiting.item, Update) and not waiting.item.change:
            del self._ticks[waiting.item.document_id]
        return waiting

    def _is_over(self) -> bool:
        oldest = next(iter(self._waiting.values()))
        return (
            len(self._waiting) > self._settings.max_messages
            or self._bytes > self._settings.max_bytes
            or self._clock() - oldest.since > self._settings.max_age_s
        )

    def _overflow(self) -> None:
        self._overflowed = True
        self._waiting.clear()
        self._ticks.clear()
        self._bytes = 0
