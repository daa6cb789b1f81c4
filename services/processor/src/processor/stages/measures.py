"""What the steps of the retry ladder mean in each stage; `ladder.described` says it in words."""

from enum import Enum, auto
from types import MappingProxyType
from typing import Final

from docyard_common.delivery.ladder import Mode
from docyard_common.events.stages import Stage


class Measure(Enum):
    """One thing that a run does, or leaves out, to survive what the run before died of."""

    UNOPENED = auto()
    """Bytes and type are checked, and opening is left to the stage that needs it anyway."""
    ONE_PAGE_AT_A_TIME = auto()
    """Every page is handed over alone: the next attempt goes on right at the page that kills."""
    NO_THUMBNAIL = auto()
    NO_OCR = auto()
    SPARED_PAGE = auto()
    """The page at which earlier attempts ended is read by another extractor, or listed unread."""
    ANOTHER_EXTRACTOR = auto()
    """What no run has managed to open is opened by another extractor, where there is one."""
    NO_RELATIONS = auto()
    BEGINNING_ALONE = auto()
    """Nothing is read beyond what keywords and summary are made from."""
    SMALL_PORTIONS = auto()
    ONE_PASSAGE_AT_A_TIME = auto()


_READ: Final = frozenset({Measure.ONE_PAGE_AT_A_TIME, Measure.NO_THUMBNAIL, Measure.NO_OCR})
_CAREFUL: Final = MappingProxyType[Stage, frozenset[Measure]](
    {
        Stage.VALIDATE: frozenset({Measure.UNOPENED}),
        Stage.EXTRACT: _READ,
        Stage.ANALYZE: frozenset({Measure.NO_RELATIONS}),
        Stage.INDEX: frozenset({Measure.SMALL_PORTIONS}),
    }
)
_PLAIN: Final = MappingProxyType[Stage, frozenset[Measure]](
    {
        # A worker that died twice leads here, too: there is nothing left to leave out.
        Stage.VALIDATE: frozenset({Measure.UNOPENED}),
        Stage.EXTRACT: _READ | {Measure.SPARED_PAGE, Measure.ANOTHER_EXTRACTOR},
        Stage.ANALYZE: frozenset({Measure.NO_RELATIONS, Measure.BEGINNING_ALONE}),
        Stage.INDEX: frozenset({Measure.ONE_PASSAGE_AT_A_TIME}),
    }
)


def measures(stage: Stage, mode: Mode) -> frozenset[Measure]:
    """Return what a run of *stage* in *mode* does differently."""
    match mode:
        case Mode.STANDARD:
            return frozenset()
        case Mode.CAREFUL:
            return _CAREFUL[stage]
        case Mode.PLAIN:
            return _PLAIN[stage]
