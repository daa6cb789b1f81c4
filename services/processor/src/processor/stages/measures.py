"""What the steps of the retry ladder mean for reading a document."""

from enum import Enum, auto
from types import MappingProxyType
from typing import Final

from docyard_common.delivery.ladder import Mode


class Measure(Enum):
    """One thing that a run does, or leaves out, to survive what the run before died of."""

    ONE_PAGE_AT_A_TIME = auto()
    """Every page is handed over alone: the next attempt goes on right at the page that kills."""
    NO_THUMBNAIL = auto()
    NO_OCR = auto()
    SPARED_PAGE = auto()
    """The page at which earlier attempts ended is read by another extractor, or listed unread."""


_CAREFUL: Final = frozenset({Measure.ONE_PAGE_AT_A_TIME, Measure.NO_THUMBNAIL, Measure.NO_OCR})
MEASURES: Final = MappingProxyType[Mode, frozenset[Measure]](
    {
        Mode.STANDARD: frozenset(),
        Mode.CAREFUL: _CAREFUL,
        Mode.PLAIN: _CAREFUL | {Measure.SPARED_PAGE},
    }
)
