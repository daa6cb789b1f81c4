"""What a reader of documents is asked for beyond their text."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from processor.extraction.ocr import Ocr, find_ocr


class When(Enum):
    """Which pages are looked at as pictures."""

    NEVER = auto()
    WITHOUT_TEXT = auto()
    ALWAYS = auto()


@dataclass(frozen=True)
class Reading:
    """How the pages of one document are read."""

    ocr: When = When.WITHOUT_TEXT
    ocr_languages: str = "eng"  # ISO 639-2, joined by `+`
    words: bool = False  # keep words with their positions

    def recogniser(self, seconds: float) -> Ocr | None:
        """Return a reader of pictures for *seconds* in all; None where none is wanted or there."""
        return None if self.ocr is When.NEVER else find_ocr(self.ocr_languages, seconds)


def asked_for(options: Mapping[str, Any], *, ocr: bool, language: str) -> Reading:
    """Read `ocr`, `ocr_language` and `words` of `processing_options`; nonsense is left out.

    *ocr* and *language* hold where the options say nothing; without *ocr* none is done at all.
    """
    match options.get("ocr"):
        case True:
            wanted = When.ALWAYS
        case False:
            wanted = When.NEVER
        case _:
            wanted = When.WITHOUT_TEXT
    languages = options.get("ocr_language")
    return Reading(
        ocr=wanted if ocr else When.NEVER,
        ocr_languages=languages if isinstance(languages, str) else language,
        words=options.get("words") is True,
    )
