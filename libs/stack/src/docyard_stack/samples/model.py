"""A sample document, and what must become of it."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from docyard_common.errors import FailureReason


class Outcome(StrEnum):
    """How the way of a sample ends."""

    COMPLETED = "completed"
    FAILED = "failed"  # accepted, then a dead letter
    REFUSED = "refused"  # answered with a problem document; nothing is stored


@dataclass(frozen=True)
class Sample:
    """A file on disk with the promises a test or a demonstration can hold Docyard to."""

    path: Path
    media_type: str  # what the content is
    outcome: Outcome = Outcome.COMPLETED
    reason: FailureReason | None = None  # set where the outcome is not `completed`
    words: tuple[str, ...] = ()  # each is in the extracted text, and in no other sample's
    page_count: int | None = None  # None where the format has no pages of its own
    page_words: tuple[str, ...] = ()  # word n - 1 is on page n and on no other page
    language: str | None = None  # ISO 639-1
    declared_type: str | None = None  # what an uploader claims, where it differs from media_type

    @property
    def name(self) -> str:
        """The file name, as a person would see it."""
        return self.path.name
