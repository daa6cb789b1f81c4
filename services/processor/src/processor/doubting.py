"""Tells a server that is away from one that fails a single document, which would wait for ever."""

from collections import OrderedDict
from typing import Final

from docyard_common.delivery.outcome import Done
from docyard_common.errors import DependencyUnavailableError, RetryableError
from docyard_common.events.work import StageRequested
from docyard_common.work.model import Lease, WorkKey
from processor.runner import Work

_ENOUGH: Final = 300
"""Pauses that make a failed attempt: at least five minutes, for a server that is ill in parts; and
three attempts of them stay far from the 65,535 picks that a position of an event has room for."""
_REMEMBERED: Final = 1_000


class FailsAloneError(RetryableError):
    """No answer for this document, time after time, and for others of its stage there is one."""


class Doubting:
    """Does the work of one stage. A kill -9 forgets what was counted: it is counted anew."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._answers = 0
        self._alone = OrderedDict[WorkKey, tuple[int, int]]()  # how often; answers seen by then

    async def __call__(self, lease: Lease, request: StageRequested) -> Done:
        """Raise what the work raises, or FailsAloneError instead of doubting a server again."""
        try:
            done = await self._work(lease, request)
        except DependencyUnavailableError as error:
            if self._count(lease.key) >= _ENOUGH:
                del self._alone[lease.key]
                raise FailsAloneError(f"{_ENOUGH} times, while others went on: {error}") from error
            raise
        self._answers += 1
        self._alone.pop(lease.key, None)
        return done

    def _count(self, key: WorkKey) -> int:
        """Return how often *key* has had no answer after others had one since the time before."""
        count, seen = self._alone.pop(key, (0, self._answers))
        count += self._answers > seen
        self._alone[key] = (count, self._answers)
        if len(self._alone) > _REMEMBERED:
            self._alone.popitem(last=False)
        return count
