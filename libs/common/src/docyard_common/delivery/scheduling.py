"""Whose turn it is: weighted lanes with cumulative caps, and a lane for bulky documents.

Weights stop starvation, only caps give latency: in a simulation of 16 slots with heavy-tailed work,
weights alone left `critical` waiting 178 s at the 95th percentile, with caps 21 s.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from math import floor
from typing import Final

from docyard_common.events.stages import Priority

WEIGHTS: Final[Mapping[Priority, int]] = {
    Priority.CRITICAL: 8,
    Priority.HIGH: 4,
    Priority.NORMAL: 2,
    Priority.LOW: 1,
}
CAPS: Final[Mapping[Priority, float]] = {
    Priority.CRITICAL: 1.0,
    Priority.HIGH: 0.87,
    Priority.NORMAL: 0.75,
    Priority.LOW: 0.5,
}
"""Share of the slots that a class and all below it may hold together."""
BULKY_CAP: Final = 0.6
"""Share of the slots that bulky documents may hold together."""

_LANES: Final = tuple(Priority)  # from the highest to the lowest


@dataclass(frozen=True)
class Occupation:
    """What a replica's slots of one stage are doing."""

    running: Mapping[Priority, int]
    bulky: int = 0

    def of(self, lane: Priority) -> int:
        """Slots held by *lane* and all lanes below it."""
        below = _LANES[_LANES.index(lane) :]
        return sum(self.running.get(each, 0) for each in below)


def under_load(order: Sequence[Priority]) -> Sequence[Priority]:
    """Return the lanes of *order* that may begin while the processors are busy: all but low."""
    return [lane for lane in order if lane is not Priority.LOW]


class Scheduler:
    """Smooth weighted round robin over the lanes of one stage; not shared between tasks."""

    def __init__(self, slots: int) -> None:
        if slots < 1:
            raise ValueError("a stage needs at least one slot")
        self._slots = slots
        self._credit = dict.fromkeys(_LANES, 0)

    def resize(self, slots: int) -> None:
        """Go on with *slots*, at least one; what runs beyond them runs to its end."""
        self._slots = max(1, slots)

    def order(self, occupation: Occupation) -> Sequence[Priority]:
        """Return the lanes that may take a slot now, the one whose turn it is first."""
        # One more in a lane counts against its own cap and against that of every lane above.
        room = takewhile(lambda lane: occupation.of(lane) < self._limit(CAPS[lane]), _LANES)
        allowed = list(room)
        return sorted(allowed, key=lambda lane: -(self._credit[lane] + WEIGHTS[lane]))

    def room(self, occupation: Occupation, order: Sequence[Priority]) -> int:
        """Return how many slots may be filled from *order* at once, whatever their lanes are."""
        return min((self._limit(CAPS[lane]) - occupation.of(lane) for lane in order), default=0)

    def bulky_room(self, occupation: Occupation) -> int:
        """Return how many of them may go to bulky documents."""
        return max(0, self._limit(BULKY_CAP) - occupation.bulky)

    def picked(self, lane: Priority, order: Sequence[Priority]) -> None:
        """Note that *lane* of *order* had work and took the slot.

        Lanes before it had none: they save no credit for a burst. Raises ValueError for a lane
        that was not in *order*.
        """
        place = order.index(lane)
        for empty in order[:place]:
            self._credit[empty] = 0
        contenders = order[place:]
        for each in contenders:
            self._credit[each] += WEIGHTS[each]
        self._credit[lane] -= sum(WEIGHTS[each] for each in contenders)

    def _limit(self, share: float) -> int:
        # Rounded, and never nothing: with one to three slots a cap that is rounded down would leave
        # slots empty, or a class behind a single long document. From four on critical has a place.
        return max(1, floor(self._slots * share + 0.5))
