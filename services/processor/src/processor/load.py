"""How busy the machine's processors are: what is bulky or can wait begins when they are not."""

import asyncio
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import psutil

_INTERVAL_S: Final = 0.5
_WEIGHT: Final = 0.3
"""Of the newest sample: a busy moment of a second throttles nothing, five of them do."""
_ABOUT_S: Final = 5.0
"""So long after one has begun, small documents count as being about."""
_HOP_S: Final = 0.05
"""A small document on its way from one stage to the next is still in work."""
_REST: Final = 4.0
"""Bulky work rests so many times as long as it has worked: it always gets a fifth of the time."""
_REST_MAX_S: Final = 60.0
"""In all, for one run: what rests may hold a transaction open."""


class Load:
    """A moving average over all processors; one for the whole process."""

    def __init__(self, *, throttle: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._throttle = throttle
        self._monotonic = monotonic
        self._small_until = monotonic()
        self._smalls = 0
        self._small_ended = monotonic() - _HOP_S
        self._none_small = asyncio.Event()
        self._none_small.set()
        self._cores = psutil.cpu_count() or 1
        self._busy = 0.0
        self._quiet = asyncio.Event()
        self._quiet.set()

    def throttles(self, *, running: int) -> bool:
        """Whether work that can wait should: *running* documents keep every processor busy."""
        return not self._quiet.is_set() and running >= self._cores

    def small_begins(self) -> None:
        """Note that a document begins that is not bulky."""
        self._small_until = self._monotonic() + _ABOUT_S
        self._smalls += 1
        self._none_small.clear()

    def small_ends(self) -> None:
        """Note that the run of a document has ended that is not bulky."""
        self._smalls -= 1
        self._small_ended = self._monotonic()
        if not self._smalls:
            self._none_small.set()

    def courtesy(self) -> "Courtesy":
        """Return what a bulky run calls between two steps that others feel."""
        return Courtesy(self, monotonic=self._monotonic)

    async def gap(self, *, within_s: float) -> None:
        """Return when no small document is in work here, at the latest after *within_s*."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while True:
                    await self._none_small.wait()
                    rest_s = self._small_ended + _HOP_S - self._monotonic()
                    if rest_s <= 0:
                        return
                    await asyncio.sleep(rest_s)

    def bulky_room(self, *, bulky: int) -> int:
        """Return how many more bulky documents may begin here, beside *bulky* that run.

        On a busy machine one a processor, and beside small documents one on every second: each
        needs the store, the database and this process as well, and what all of those want at once
        is waited for by everybody. One may always run: a stream of small ones holds up no other.
        """
        if self._quiet.is_set():
            return sys.maxsize
        about = self._monotonic() < self._small_until
        most = max(1, self._cores // 2) if about else self._cores
        return max(0, most - bulky)

    async def quiet(self, *, within_s: float) -> None:
        """Return when the processors are not all busy, at the latest after *within_s*."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._quiet.wait()

    def sample(self, busy: float) -> None:
        """Learn how busy the processors were since the last sample, 0 to 1."""
        self._busy += _WEIGHT * (busy - self._busy)
        if self._busy > self._throttle:
            self._quiet.clear()
        else:
            self._quiet.set()

    async def run(self) -> None:
        """Sample until cancelled."""
        psutil.cpu_percent()
        while True:
            await asyncio.sleep(_INTERVAL_S)
            self.sample(psutil.cpu_percent() / 100)


class Courtesy:
    """Lets one bulky run rest while small documents are in work."""

    def __init__(self, load: Load, *, monotonic: Callable[[], float]) -> None:
        self._load = load
        self._monotonic = monotonic
        self._since = monotonic()
        self._left_s = _REST_MAX_S

    async def __call__(self) -> None:
        """Rest for as long as the last step lets it, and no longer than small ones are there."""
        now = self._monotonic()
        await self._load.gap(within_s=min(self._left_s, _REST * (now - self._since)))
        self._since = self._monotonic()
        self._left_s -= self._since - now
