"""The stages a document passes, the lanes it passes them in, and the states it shows."""

from enum import StrEnum
from typing import Final


class Stage(StrEnum):
    """One step of the work on a document, in order."""

    VALIDATE = "validate"
    EXTRACT = "extract"
    ANALYZE = "analyze"
    INDEX = "index"

    @property
    def position(self) -> int:
        """Position from 1 to 4, as clients see it in `stage_index`."""
        return _ORDER.index(self) + 1

    @property
    def following(self) -> "Stage | None":
        """The stage after this one; None after the last."""
        return _ORDER[self.position] if self.position < STAGE_COUNT else None

    @property
    def running_state(self) -> "DocumentState":
        """What a document is called while it is in this stage."""
        return _RUNNING[self]


class Priority(StrEnum):
    """The lane of a document's work: weights and caps are in `delivery.scheduling`."""

    CRITICAL = "critical"
    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


class DocumentState(StrEnum):
    """What a document reads in `state`."""

    ACCEPTED = "accepted"
    VALIDATING = "validating"
    EXTRACTING = "extracting"
    ANALYZING = "analyzing"
    INDEXING = "indexing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    QUARANTINED = "quarantined"

    @property
    def is_terminal(self) -> bool:
        """Whether nothing follows unless somebody asks (a failed document can be replayed)."""
        return self in _TERMINAL


_ORDER: Final = tuple(Stage)
STAGE_COUNT: Final = len(_ORDER)
_RUNNING: Final = {
    Stage.VALIDATE: DocumentState.VALIDATING,
    Stage.EXTRACT: DocumentState.EXTRACTING,
    Stage.ANALYZE: DocumentState.ANALYZING,
    Stage.INDEX: DocumentState.INDEXING,
}
_TERMINAL: Final = frozenset(
    {
        DocumentState.COMPLETED,
        DocumentState.FAILED,
        DocumentState.CANCELLED,
        DocumentState.QUARANTINED,
    }
)
