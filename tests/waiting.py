"""Waiting for a condition instead of sleeping for a time."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Final

_PAUSE_S: Final = 0.02
_PAUSE_OF_PROCESSES_S: Final = 0.05
"""Each look may open a connection, beside what is waited for."""


async def eventually(
    condition: Callable[[], object] | Callable[[], Awaitable[object]], *, within_s: float = 60.0
) -> None:
    """Return when *condition* holds; fail when it does not within *within_s* seconds."""
    deadline = time.monotonic() + within_s
    while True:
        found = condition()
        if inspect.isawaitable(found):
            found = await found
        if found:
            return
        assert time.monotonic() < deadline, f"did not happen within {within_s} s"
        await asyncio.sleep(_PAUSE_S)


def until(
    condition: Callable[[], object],
    *,
    within_s: float = 60.0,
    tell: Callable[[], object] = lambda: "",
) -> None:
    """Do the same where no event loop runs; a failure says what *tell* answers then."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"did not happen within {within_s} s: {tell()}"
        time.sleep(_PAUSE_OF_PROCESSES_S)
