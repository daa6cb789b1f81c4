"""`seq`: where in a document's life something was said, as one integer that only grows.

A position, not a counter: generation, stage, fence and tick packed into 52 bits, so it survives
JSON numbers in browsers (2**53), crashes and replicas, and no two writers share a counter.
"""

from typing import Final

from docyard_common.events.stages import Stage

_TICK_BITS: Final = 22
_FENCE_BITS: Final = 16
_STAGE_BITS: Final = 4
_GENERATION_BITS: Final = 10

LAST_TICK: Final = (1 << _TICK_BITS) - 1
"""The tick of what ends a run: nothing of the same run can come after it."""

LAST_GENERATION: Final = (1 << _GENERATION_BITS) - 1
"""A document can be processed this many times."""

ACCEPTED: Final = 0
"""The position of `accepted`, before any generation has begun."""

_TERMINAL_STAGE: Final = (1 << _STAGE_BITS) - 1


def position(*, generation: int, stage: Stage, fence: int, tick: int) -> int:
    """Return the `seq` of a moment inside a run of *stage*.

    Ticks beyond the last one stay on it: progress may stall there, it never runs backwards.
    Raises ValueError for a generation or fence that does not fit.
    """
    return _pack(generation, stage.position, fence, min(tick, LAST_TICK))


def reopened(generation: int) -> int:
    """Return the `seq` of the moment in which *generation* was asked for, before its first run.

    Raises ValueError for a generation that does not fit. One tick up: what is right above the
    generation before belongs to a deletion.
    """
    return _pack(generation, 0, 0, 1)


def terminal(generation: int) -> int:
    """Return the `seq` of `completed`, `cancelled` and `deleted`: last in their generation.

    `failed` is not among them: it carries the last position of the run that failed, so that a
    replay, whose fence is higher, can follow it.
    """
    return _pack(generation, _TERMINAL_STAGE, (1 << _FENCE_BITS) - 1, LAST_TICK)


def _pack(generation: int, stage: int, fence: int, tick: int) -> int:
    if not 0 <= generation < 1 << _GENERATION_BITS:
        raise ValueError(f"generation {generation} is outside 0..{(1 << _GENERATION_BITS) - 1}")
    if not 0 <= fence < 1 << _FENCE_BITS:
        raise ValueError(f"fence {fence} is outside 0..{(1 << _FENCE_BITS) - 1}")
    packed = generation << _STAGE_BITS | stage
    return (packed << _FENCE_BITS | fence) << _TICK_BITS | tick
