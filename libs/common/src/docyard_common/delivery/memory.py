"""How much memory documents may need, and which may begin beside those that run."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Final

from docyard_common.events.stages import Stage

_MIB: Final = 1024 * 1024
LEAST_BYTES: Final = 64 * _MIB
"""No child comes with less, whatever it is given."""
_UNKNOWN_BYTES: Final = 192 * _MIB
_UNKNOWN_PICTURE_BYTES: Final = 768 * _MIB
"""A small file may unfold to the largest picture that is decoded, with its copies."""
_UNFOLDS: Final = 8
"""Bytes in memory for each byte of a file of which nothing is known."""
_MARGIN: Final = 1.25
"""Equal sizes do not need equal memory."""
_FORGETS: Final = 0.1
"""Of what a peak was above the newest observation: ten calm documents forget two thirds of it."""


@dataclass(frozen=True)
class Kind:
    """What is alike: a stage, a media type, and sizes within a factor of two (0: below 1 MiB)."""

    stage: Stage
    media_type: str
    size_class: int

    @classmethod
    def of(cls, stage: Stage, media_type: str, size_bytes: int) -> "Kind":
        """Return the kind of a document of *size_bytes*."""
        return cls(stage, media_type, max(0, size_bytes.bit_length() - _MIB.bit_length() + 1))

    @property
    def largest_bytes(self) -> int:
        """Size that no document of this kind exceeds."""
        return _MIB << self.size_class


class Estimates:
    """What documents have needed: for each kind a peak that slowly sinks to what came since.

    *limit_bytes* is what a child may use at most: no estimate is above it.
    """

    def __init__(self, *, limit_bytes: int) -> None:
        self.limit_bytes = max(limit_bytes, LEAST_BYTES)
        self._peaks: dict[Kind, int] = {}

    def estimate(self, kind: Kind) -> int:
        """Return the bytes to set aside for a document of *kind*, with a margin."""
        peak = self._peaks.get(kind)
        needed = _unknown(kind) if peak is None else int(peak * _MARGIN)
        if peak is None:
            # What smaller ones have needed is a floor, not a measure.
            needed = max([needed, *(self._peaks[each] for each in self._smaller(kind))])
        return min(self.limit_bytes, max(LEAST_BYTES, needed))

    def observe(self, kind: Kind, peak_bytes: int) -> None:
        """Learn what a run of *kind* has used at its highest."""
        known = self._peaks.get(kind, 0)
        self._peaks[kind] = max(peak_bytes, int(known - (known - peak_bytes) * _FORGETS))

    def adopt(self, peaks: Mapping[Kind, int]) -> None:
        """Take over what others have seen, where it is more."""
        for kind, peak in peaks.items():
            self._peaks[kind] = max(peak, self._peaks.get(kind, 0))

    @property
    def peaks(self) -> Mapping[Kind, int]:
        """What is known, by kind."""
        return self._peaks

    def _smaller(self, kind: Kind) -> list[Kind]:
        return [
            each
            for each in self._peaks
            if (each.stage, each.media_type) == (kind.stage, kind.media_type)
            and each.size_class < kind.size_class
        ]


def _unknown(kind: Kind) -> int:
    picture = kind.media_type.startswith("image/")
    base = _UNKNOWN_PICTURE_BYTES if picture else _UNKNOWN_BYTES
    return base + _UNFOLDS * kind.largest_bytes


@dataclass(frozen=True)
class Waiter:
    """A due document that does not fit beside those that run."""

    key: Hashable
    needs_bytes: int
    waited_s: float


class MemoryBudget:
    """Which documents may begin: what runs stays below a budget, together with what is promised.

    A document that is larger than the budget runs alone. One that has waited longer than
    *patience_s* gets a promise: from then on nothing begins that would take its place, so that
    however many small ones come, its turn comes when those have ended that run now.
    """

    def __init__(self, budget_bytes: int, *, patience_s: float = 30.0) -> None:
        self.budget_bytes = budget_bytes
        self._patience_s = patience_s
        self._running: dict[Hashable, int] = {}
        self._promised: Waiter | None = None

    @property
    def used_bytes(self) -> int:
        """Estimates of all that runs."""
        return sum(self._running.values())

    @property
    def promised(self) -> Waiter | None:
        """Who is waited for."""
        return self._promised

    @property
    def is_idle(self) -> bool:
        """Whether anything may begin, however large it is."""
        return not self._running and self._promised is None

    def room(self) -> int:
        """Return how many bytes those may need together that begin now."""
        kept = self._promised.needs_bytes if self._promised else 0
        return max(0, self.budget_bytes - self.used_bytes - kept)

    def is_ready(self, key: Hashable) -> bool:
        """Whether the one that is waited for is *key*, and may begin."""
        promised = self._promised
        if promised is None or promised.key != key:
            return False
        return not self._running or self.used_bytes + promised.needs_bytes <= self.budget_bytes

    def begin(self, key: Hashable, needs_bytes: int) -> None:
        """Count *key* as running."""
        self._running[key] = needs_bytes
        self.withdraw(key)

    def end(self, key: Hashable) -> None:
        """Count *key* no more; one that is unknown is fine."""
        self._running.pop(key, None)

    def wait(self, waiter: Waiter) -> None:
        """Learn of one that does not fit: the first to lose patience is waited for."""
        if self._promised is None and waiter.waited_s >= self._patience_s:
            self._promised = waiter

    def withdraw(self, key: Hashable) -> None:
        """Wait for *key* no longer: it runs, or is not there any more."""
        if self._promised is not None and self._promised.key == key:
            self._promised = None
