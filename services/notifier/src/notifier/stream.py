"""One SSE response: what has been missed, then what happens, until it ends."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from docyard_common.observability import metrics
from notifier.close_codes import CloseCode
from notifier.connections import Transport
from notifier.live import Live
from notifier.mailbox import Item, Mailbox, SlowReaderError
from notifier.subscription import Subscription
from notifier.updates import Update

_BATCH: Final = 64
_RETRY: Final = "retry: 2000\n\n"
_HEARTBEAT: Final = ": still here\n\n"


class Stream:
    """A subscription that is written as Server-Sent Events."""

    def __init__(self, live: Live, *, owner: str, expires_at: datetime) -> None:
        self._live = live
        self._owner = owner
        self._expires_at = expires_at
        self._mailbox = Mailbox(live.settings.outbox)
        self._subscription = Subscription(owner, self._mailbox)
        self._documents: frozenset[UUID] = frozenset()
        self._ended = asyncio.Event()

    @property
    def owner(self) -> str:
        return self._owner

    @property
    def transport(self) -> Transport:
        return "sse"

    def close(self, code: CloseCode) -> None:
        """End the response; the browser comes back by itself, with its last event id."""
        del code
        self._ended.set()

    async def open(
        self, document_ids: Collection[UUID], *, since: Mapping[UUID, int]
    ) -> frozenset[UUID]:
        """Follow documents, or where none is named all of the owner; return what is not found.

        Raises DependencyUnavailableError; `leave` must be called in any case.
        """
        self._documents = frozenset(document_ids)
        wanted = set(document_ids)
        self._subscription.hold()
        self._live.hub.watch(self._subscription, self._documents)
        if not document_ids:
            self._live.hub.watch_all(self._subscription)
            limit = self._live.settings.stream.max_snapshot
            wanted |= await self._live.recovery.active(self._owner, limit=limit)
        caught_up = await self._live.recovery.catch_up(wanted, owner=self._owner, since=since)
        for update in caught_up.updates:
            if update.seq > since.get(update.document_id, -1):
                self._mailbox.put(update)
        self._subscription.release(caught_up.updates)
        return caught_up.missing

    async def lines(self, *, until_terminal: bool) -> AsyncIterator[str]:
        """Yield the response; ends with the token, the process, or the document if asked to."""
        yield _RETRY
        while not self._ended.is_set() and self._left_s() > 0:
            items = await self._next()
            if items is None:
                return
            yield "".join(_event(item) for item in items) or _HEARTBEAT
            if until_terminal and any(isinstance(i, Update) and i.terminal for i in items):
                return

    def leave(self) -> None:
        """Follow nothing more; called once the response is over."""
        self._live.hub.unwatch(self._subscription, self._documents)
        self._live.hub.unwatch_all(self._subscription)

    async def _next(self) -> list[Item] | None:
        """Return what there is, an empty list when a heartbeat is due, None at the end."""
        take = asyncio.create_task(self._mailbox.take(_BATCH))
        ended = asyncio.create_task(self._ended.wait())
        try:
            patience_s = min(self._live.settings.stream.heartbeat_s, max(0.0, self._left_s()))
            tasks = {take, ended}
            await asyncio.wait(tasks, timeout=patience_s, return_when=asyncio.FIRST_COMPLETED)
            if take.done():
                return take.result()
            return None if ended.done() else []
        except SlowReaderError:
            metrics.WS_CLOSES.labels("sse_slow").inc()
            return None
        finally:
            take.cancel()
            ended.cancel()

    def _left_s(self) -> float:
        return (self._expires_at - self._live.clock.now()).total_seconds()


def _event(item: Item) -> str:
    """Return an update as an event: `id` is its `seq`, the data what a WebSocket would say."""
    assert isinstance(item, Update)  # noqa: S101 - nobody puts replies into this mailbox
    metrics.WS_SENT.labels("sse", "job_progress").inc()
    return f"id: {item.seq}\nevent: job_progress\ndata: {item.text}\n\n"
