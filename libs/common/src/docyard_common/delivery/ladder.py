"""The retry ladder: what the next attempt does differently after a run that cost too much."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from docyard_common.errors import FailureReason
from docyard_common.events.stages import Stage


class Mode(StrEnum):
    """How a run works; each step down costs less and gives up more."""

    STANDARD = "standard"
    CAREFUL = "careful"
    PLAIN = "plain"


_CHANGED: Final[Mapping[Stage, Mapping[Mode, str]]] = MappingProxyType(
    {
        Stage.VALIDATE: {
            Mode.CAREFUL: "checks bytes and type alone, and leaves opening to the next stage",
        },
        Stage.EXTRACT: {
            Mode.CAREFUL: "reads page by page, without a thumbnail and without OCR",
            Mode.PLAIN: "reads page by page, and what ended the runs before, a page or the opening,"
            " by another extractor; without one it leaves that page out, unless it is the only one",
        },
        Stage.ANALYZE: {
            Mode.CAREFUL: "looks for no relations",
            Mode.PLAIN: "looks at the beginning of the text alone, and for no relations",
        },
        Stage.INDEX: {
            Mode.CAREFUL: "embeds the text in smaller portions",
            Mode.PLAIN: "embeds the text one passage at a time",
        },
    }
)
"""The steps that a stage has: what is missing here would change nothing."""
_BELOW: Final[Mapping[Mode, Mode]] = MappingProxyType(
    {Mode.STANDARD: Mode.CAREFUL, Mode.CAREFUL: Mode.PLAIN, Mode.PLAIN: Mode.PLAIN}
)
_COSTLY: Final = frozenset(
    {
        FailureReason.MEMORY_LIMIT,
        FailureReason.TIMEOUT,
        FailureReason.NO_PROGRESS,
        FailureReason.CHILD_CRASHED,
    }
)
_SUSPICIOUS_DELIVERIES: Final = 3
"""This run and those before it that ended with the death of their worker: two such deaths in a row
put the document under suspicion."""


def mode_after(mode: Mode, reason: FailureReason, *, stage: Stage) -> Mode:
    """Return the mode of the attempt after one of *stage* in *mode* that died of *reason*.

    It is the same one where *stage* has no further step: nothing would change.
    """
    below = _BELOW[mode]
    return below if reason in _COSTLY and below in _CHANGED[stage] else mode


def described(mode: Mode, *, stage: Stage) -> str:
    """Return what a run of *stage* does in *mode*, for the owner of the document."""
    return _CHANGED[stage].get(mode, "leaves nothing out")


def mode_of_run(mode: Mode, deliveries: int) -> Mode:
    """Return the mode of a run: one step down once workers have died over the document."""
    return _BELOW[mode] if deliveries >= _SUSPICIOUS_DELIVERIES else mode
