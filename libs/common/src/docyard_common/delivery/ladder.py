"""The retry ladder: what the next attempt does differently after a run that cost too much."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from docyard_common.errors import FailureReason


class Mode(StrEnum):
    """How a run works; each step down costs less and gives up more."""

    STANDARD = "standard"
    CAREFUL = "careful"
    PLAIN = "plain"

    @property
    def described(self) -> str:
        """What a run in this mode does, for the owner of the document."""
        return _DESCRIBED[self]


_DESCRIBED: Final[Mapping[Mode, str]] = MappingProxyType(
    {
        Mode.STANDARD: "reads everything",
        Mode.CAREFUL: "reads page by page, without a thumbnail and without OCR",
        Mode.PLAIN: "reads page by page, and around the page that ended the run before",
    }
)
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


def mode_after(mode: Mode, reason: FailureReason) -> Mode:
    """Return the mode of the attempt after one in *mode* that died of *reason*."""
    return _BELOW[mode] if reason in _COSTLY else mode


def mode_of_run(mode: Mode, deliveries: int) -> Mode:
    """Return the mode of a run: one step down once workers have died over the document."""
    return _BELOW[mode] if deliveries >= _SUSPICIOUS_DELIVERIES else mode
