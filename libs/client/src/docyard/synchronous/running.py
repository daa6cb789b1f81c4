"""An event loop on a thread of its own, and how calls run on it."""

import asyncio
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Iterator,
)
from concurrent.futures import Future, wait
from functools import partial
from typing import Any, Generic, TypeVar

from anyio.from_thread import BlockingPortal

Answer = TypeVar("Answer")

_LOOK_S = 0.5
"""How late Ctrl-C may be heard."""


class Runner:
    """Runs coroutines to their end on the loop's thread; Ctrl-C here ends them there."""

    def __init__(self, portal: BlockingPortal) -> None:
        self._portal = portal

    def run(self, call: Callable[..., Awaitable[Answer]], *args: Any, **options: Any) -> Answer:
        running = _Call(partial(call, *args, **options))
        answer: Future[Answer] | None = None
        try:
            answer = self._portal.start_task_soon(running)
            _wait_for(answer)
        except BaseException:
            # Left running, it would keep its generator busy and the client from closing.
            self._end(running, answer)
            raise
        return answer.result()

    def _end(self, running: "_Call[Answer]", answer: Future[Answer] | None) -> None:
        """Return once the call has closed what it had open; a second Ctrl-C leaves it no time."""
        try:
            self._portal.start_task_soon(running.cancel)
            _wait_for(running.ended)
        except BaseException:
            if answer is not None:
                answer.cancel()
            raise

    def iterate(self, items: AsyncGenerator[Answer, None]) -> Iterator[Answer]:
        """Yield what *items* yields; leaving early closes it."""
        try:
            while True:
                try:
                    item = self.run(items.__anext__)
                except StopAsyncIteration:
                    return
                yield item
        finally:
            self.run(items.aclose)


class _Call(Generic[Answer]):
    """A call that can be cancelled as a task is: once, at where it waits.

    Cancelling the portal's future ends every later wait as well, so that a WebSocket could not
    say goodbye and the loop was closed under its connection.
    """

    def __init__(self, call: Callable[[], Awaitable[Answer]]) -> None:
        self._call = call
        self._task: asyncio.Future[Answer] | None = None
        self.ended = Future[None]()
        """Known here, since Ctrl-C may come before the portal has told its own."""

    async def __call__(self) -> Answer:
        self._task = asyncio.ensure_future(self._call())
        try:
            return await self._task
        finally:
            self.ended.set_result(None)

    def cancel(self) -> None:
        """Cancel it, if it has not ended; on the loop's thread, where it began before if at all."""
        if self._task is not None:
            self._task.cancel()
        else:
            self.ended.set_result(None)


def _wait_for(answer: Future[Any]) -> None:
    # A signal just before a thread sleeps does not wake it: sleep in short turns.
    while not wait([answer], timeout=_LOOK_S).done:
        pass
