"""An event loop on a thread of its own, and how calls run on it."""

from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Iterator,
)
from concurrent.futures import wait
from functools import partial
from threading import Event
from typing import Any, TypeVar

from anyio.from_thread import BlockingPortal

Answer = TypeVar("Answer")

_LOOK_S = 0.5
"""How late Ctrl-C may be heard."""


class Runner:
    """Runs coroutines to their end on the loop's thread; Ctrl-C here ends them there."""

    def __init__(self, portal: BlockingPortal) -> None:
        self._portal = portal

    def run(self, call: Callable[..., Awaitable[Answer]], *args: Any, **options: Any) -> Answer:
        ended = Event()
        answer = self._portal.start_task_soon(_ending, partial(call, *args, **options), ended)
        try:
            # A signal just before a thread sleeps does not wake it: sleep in short turns.
            while not wait([answer], timeout=_LOOK_S).done:
                pass
            return answer.result()
        except BaseException:
            # Left running, it would keep its generator busy and the client from closing.
            if answer.cancel():
                ended.wait()
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


async def _ending(call: Callable[[], Awaitable[Answer]], ended: Event) -> Answer:
    try:
        return await call()
    finally:
        ended.set()
