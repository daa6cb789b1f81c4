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


class Load:
    """A moving average over all processors; one for the whole process."""

    def __init__(
        self,
        *,
        throttle: float,
        processors: int | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._throttle = throttle
        self._monotonic = monotonic
        self._small_until = monotonic()
        self._bulky = 0
        self._smalls = 0
        self._small_ended = monotonic() - _HOP_S
        self._some_small = asyncio.Event()
        self._none_small = asyncio.Event()
        self._none_small.set()
        self._cores = processors or psutil.cpu_count() or 1
        self._busy = 0.0
        self._quiet = asyncio.Event()
        self._quiet.set()

    @property
    def sharing(self) -> int:
        """How many bulky documents share what is left to them, at least one."""
        return max(1, self._bulky)

    @property
    def is_crowded(self) -> bool:
        """Whether as many documents are in work here as there are processors."""
        return self._smalls + self._bulky >= self._cores

    def throttles(self) -> bool:
        """Whether work that can wait should: documents in work here keep every processor busy."""
        return not self._quiet.is_set() and self.is_crowded

    def begins(self, *, bulky: bool) -> None:
        """Note that the run of a document begins."""
        if bulky:
            self._bulky += 1
            return
        self._small_until = self._monotonic() + _ABOUT_S
        self._smalls += 1
        self._none_small.clear()
        self._some_small.set()

    def ends(self, *, bulky: bool) -> None:
        """Note that a run has ended that has begun."""
        if bulky:
            self._bulky -= 1
            return
        self._smalls -= 1
        self._small_ended = self._monotonic()
        if not self._smalls:
            self._some_small.clear()
            self._none_small.set()

    async def small(self) -> None:
        """Return when a small document is in work here."""
        await self._some_small.wait()

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

    def bulky_room(self) -> int:
        """Return how many more bulky documents may begin here.

        On a busy machine one a processor, and beside small documents one on every second: each
        needs the store, the database and this process as well, and what all of those want at once
        is waited for by everybody. One may always run: a stream of small ones holds up no other.
        """
        if self._monotonic() < self._small_until:
            return max(0, max(1, self._cores // 2) - self._bulky)
        return sys.maxsize if self._quiet.is_set() else max(0, self._cores - self._bulky)

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
