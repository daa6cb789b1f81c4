"""Sends documents several at a time, and follows each from the moment it is accepted."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING

from docyard.cli.board import Board, stage_text
from docyard.cli.delivery import Delivery, failure_of, last_word
from docyard.errors import DocyardError, NotAllowedError, UnreachableError

if TYPE_CHECKING:
    from docyard.client import AsyncClient
    from docyard.models import Progress

WATCHES = 4
"""Watches at a time. Each takes all that was accepted meanwhile, so a few serve thousands."""

_HOPELESS = (NotAllowedError, UnreachableError)
"""What one document died of here, the next one would die of too."""


@dataclass(frozen=True)
class Manner:
    """How to send."""

    jobs: int = 4  # uploads at a time
    wait: bool = False  # whether to follow documents to their end
    timeout_s: float | None = None  # of the waiting, from the start


@dataclass
class Sending:
    """One run; `deliveries` tell afterwards what became of each.

    One that has failed before is not sent.
    """

    client: "AsyncClient"
    board: Board
    manner: Manner
    deliveries: Sequence[Delivery]
    _hopeless: Exception | None = None
    _unfollowed: list[Delivery] = field(default_factory=list)
    _all_sent: bool = False
    _news: asyncio.Event = field(default_factory=asyncio.Event)  # either of the two has changed
    _begun_at: float = field(default_factory=monotonic)

    async def run(self) -> None:
        """Send everything; failures stay with their document. A cancellation ends it at once."""
        waiting = iter(self.deliveries)
        async with asyncio.TaskGroup() as tasks:
            following = tasks.create_task(self._follow())
            async with asyncio.TaskGroup() as senders:
                for _ in range(self.manner.jobs):
                    senders.create_task(self._send_all(waiting))
            self._all_sent = True
            self._news.set()
            await following

    async def _send_all(self, waiting: Iterable[Delivery]) -> None:
        for delivery in waiting:
            if delivery.failure:
                key = delivery.upload.idempotency_key
                self.board.add(key, delivery.name)
                self.board.end(key, str(delivery.failure), good=False)
                continue
            if self._hopeless:
                delivery.failure = self._hopeless
                continue
            await self._send(delivery)

    async def _send(self, delivery: Delivery) -> None:
        key = delivery.upload.idempotency_key
        self.board.add(key, delivery.name)
        try:
            total = delivery.upload.size_bytes or 0
            delivery.accepted = await self.client.upload(
                delivery.upload, on_bytes=lambda sent: self._sent(key, sent, total)
            )
        except (DocyardError, OSError) as error:
            delivery.failure = error
            if isinstance(error, _HOPELESS):
                self._hopeless = error
            self.board.end(key, str(error), good=False)
            return
        if self.manner.wait:
            self._unfollowed.append(delivery)
            self._news.set()
        else:
            self.board.end(key, f"accepted {delivery.document_id}", good=True)

    def _sent(self, key: str, sent: int, total: int) -> None:
        share = 0.5 if self.manner.wait else 1.0
        self.board.show(key, share * min(1.0, sent / total) if total else 0.0, "sending")

    async def _follow(self) -> None:
        slots = asyncio.Semaphore(WATCHES)
        async with asyncio.TaskGroup() as watches:
            while self._unfollowed or not self._all_sent:
                if not self._unfollowed:
                    self._news.clear()
                    await self._news.wait()
                    continue
                await slots.acquire()
                watch = watches.create_task(self._watch(self._take()))
                watch.add_done_callback(lambda _watch: slots.release())

    def _take(self) -> dict[str, Delivery]:
        """Take every accepted document that nobody follows, by id."""
        batch = {delivery.document_id: delivery for delivery in self._unfollowed}
        self._unfollowed.clear()
        return batch

    async def _watch(self, batch: dict[str, Delivery]) -> None:
        left_s = None
        if self.manner.timeout_s is not None:
            left_s = max(0.0, self._begun_at + self.manner.timeout_s - monotonic())
        try:
            async for update in self.client.watch(batch, timeout_s=left_s):
                self._moved(batch[update.document_id], update)
        except DocyardError as error:
            for delivery in batch.values():
                if delivery.last is None or not delivery.last.is_terminal:
                    delivery.failure = error
                    self.board.end(delivery.upload.idempotency_key, str(error), good=False)

    def _moved(self, delivery: Delivery, update: "Progress") -> None:
        key = delivery.upload.idempotency_key
        delivery.last = update
        if update.is_terminal:
            self.board.end(key, last_word(update), good=failure_of(update) is None)
        else:
            self.board.show(key, 0.5 + update.progress / 200, stage_text(update))
