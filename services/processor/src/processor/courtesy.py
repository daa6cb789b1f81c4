"""How bulky work leaves room to small documents that are in work in the same process."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from docyard_common.observability import metrics
from docyard_common.pace import Pace
from processor.load import Load

REST: Final = 4.0
"""Bulky work rests so many times as long as it has worked: it always gets a fifth of the time.
Several bulky documents share it."""
_REST_MAX_S: Final = 60.0
"""In all, for one step: what rests may hold a transaction open."""
_REST_AT_ONCE_S: Final = 5.0
"""A quarter of `DATABASE__IDLE_TRANSACTION_S` as it comes: what idles longer loses its session."""
_HALTS_MAX_S: Final = 600.0
"""In all, for one run of a child: so much later it ends at most, whatever comes beside it."""
_HALT_S: Final = 0.4
"""At once, for a child that is the only one: then it works a quarter of that, whatever else is in
work."""
_LOOK_S: Final = 0.1


class Courtesy:
    """One for the whole process."""

    def __init__(self, load: Load, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._load = load
        self._monotonic = monotonic

    def pace(self) -> Pace:
        """Return what one bulky step calls between two pieces that others feel."""
        return _Resting(self._load, monotonic=self._monotonic)

    async def breaks(self, halt: Callable[[], None], go_on: Callable[[], None]) -> None:
        """Halt a child again and again, for as long as small documents need its processor.

        Returns when it has rested for ten minutes in all; when cancelled, it goes on.
        """
        left_s = _HALTS_MAX_S
        while left_s > 0:
            await self._load.small()
            if not self._load.is_crowded:
                await asyncio.sleep(_LOOK_S)
                continue
            within_s = min(left_s, _HALT_S * self._load.sharing)
            rested_s = await self._halted(halt, go_on, within_s=within_s)
            left_s -= rested_s
            await asyncio.sleep(min(rested_s, left_s) / REST / self._load.sharing)

    async def _halted(
        self, halt: Callable[[], None], go_on: Callable[[], None], *, within_s: float
    ) -> float:
        since = self._monotonic()
        halt()
        try:
            await self._load.gap(within_s=within_s)
        finally:
            go_on()
            rested_s = self._monotonic() - since
            metrics.BULKY_REST.inc(rested_s)
        return rested_s


class _Resting:
    """Lets one bulky step rest while small documents are in work."""

    def __init__(self, load: Load, *, monotonic: Callable[[], float]) -> None:
        self._load = load
        self._monotonic = monotonic
        self._since: float | None = None
        self._left_s = _REST_MAX_S

    async def __call__(self) -> None:
        """Rest for as long as the last piece lets it, and no longer than small ones are there.

        Not after the first one: a step may be prepared long before it begins.
        """
        now = self._monotonic()
        worked_s = 0.0 if self._since is None else now - self._since
        rest_s = REST * self._load.sharing * worked_s
        await self._load.gap(within_s=min(self._left_s, rest_s, _REST_AT_ONCE_S))
        self._since = self._monotonic()
        self._left_s -= self._since - now
        metrics.BULKY_REST.inc(self._since - now)
