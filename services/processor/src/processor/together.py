"""What is asked for while one round is under way is done together in the next."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from typing import Generic, TypeAlias, TypeVar

_Item = TypeVar("_Item")

Verdict: TypeAlias = Exception | None
"""Why an item could not be done; None when it was."""


class Together(Generic[_Item]):
    """Hands items to *apply* in rounds: the busier a process is, the fewer round trips each costs.

    *apply* answers a verdict for each item, in their order. When it raises, an item that was not
    alone is tried alone, so that one that can not be written does not hold up the others.
    """

    def __init__(self, apply: Callable[[Sequence[_Item]], Awaitable[Sequence[Verdict]]]) -> None:
        self._apply = apply
        self._waiting: list[tuple[_Item, asyncio.Future[None]]] = []
        self._rounds: asyncio.Task[None] | None = None

    async def do(self, item: _Item) -> None:
        """Return when *item* is done; raises its verdict."""
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((item, done))
        if self._rounds is None:
            # The rounds belong to nobody's trace and to nobody's log lines.
            self._rounds = asyncio.create_task(self._work(), context=Context())
        await done

    async def _work(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                await self._round(batch)
        finally:
            self._rounds = None

    async def _round(self, batch: Sequence[tuple[_Item, asyncio.Future[None]]]) -> None:
        try:
            verdicts = await self._apply([item for item, _ in batch])
        except Exception as error:  # noqa: BLE001 - handed to whoever asked
            if len(batch) > 1:
                for each in batch:
                    await self._round([each])
                return
            verdicts = [error]
        for (_, done), verdict in zip(batch, verdicts, strict=True):
            if done.done():
                continue
            if verdict is None:
                done.set_result(None)
            else:
                done.set_exception(verdict)
