"""Text on its way into PostgreSQL and back: what it can not hold, its languages, its snippets."""

import re
import unicodedata
from typing import Final

START: Final = "\ue000"
STOP: Final = "\ue001"
"""Private-use characters around what matched: they are taken out of what is stored."""

_UNSTORABLE: Final = str.maketrans("", "", f"\x00{START}{STOP}")
_ODD: Final = re.compile(f"[\x00{START}{STOP}\ud800-\udfff]")
_SEPARATORS: Final = re.compile(r"[\W_]+")
_MARKED: Final = re.compile(f"[{START}{STOP}]")

_CONFIGURATIONS: Final = {
    "ar": "arabic",
    "ca": "catalan",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": "english",
    "es": "spanish",
    "et": "estonian",
    "eu": "basque",
    "fi": "finnish",
    "fr": "french",
    "ga": "irish",
    "hi": "hindi",
    "hu": "hungarian",
    "hy": "armenian",
    "id": "indonesian",
    "it": "italian",
    "lt": "lithuanian",
    "ne": "nepali",
    "nl": "dutch",
    "no": "norwegian",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sr": "serbian",
    "sv": "swedish",
    "ta": "tamil",
    "tr": "turkish",
    "yi": "yiddish",
}


def configuration(language: str | None) -> str:
    """Return PostgreSQL's text search configuration for an ISO 639-1 code.

    `simple` (words as they are) for every language it has no stemmer for.
    """
    return _CONFIGURATIONS.get(language or "", "simple")


def storable(text: str) -> str:
    """Return *text* without what PostgreSQL refuses (NUL, lone surrogates) or we use as marks."""
    # Nearly every text is fine as it is: thousands of them are looked at for one document.
    if _ODD.search(text) is None:
        return text
    return text.translate(_UNSTORABLE).encode("utf-8", "replace").decode()


def folded(text: str) -> str:
    """Return *text* in one case and one form of its characters, as keys of entities are."""
    return unicodedata.normalize("NFKC", text).casefold()


def words_of(filename: str) -> str:
    """Return the words of a file name, so that `Annual_Report-2024.pdf` is found by each."""
    return _SEPARATORS.sub(" ", filename)


def unmarked(headline: str) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Return a headline as one line of plain text, and where its marks were."""
    line = " ".join(headline.split())
    starts: list[int] = []
    spans: list[tuple[int, int]] = []
    for removed, mark in enumerate(_MARKED.finditer(line)):
        position = mark.start() - removed
        if mark.group() == START:
            starts.append(position)
        elif starts:
            spans.append((starts.pop(), position))
    return _MARKED.sub("", line), tuple(spans)
