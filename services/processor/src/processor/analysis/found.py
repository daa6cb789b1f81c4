"""A name or value in the text of a page, where it stands, and under which key it is one thing."""

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final, TypeAlias

_MAX_CHARACTERS: Final = 300
_SPACES: Final = re.compile(r"\s+")
_LEGAL_FORM: Final = re.compile(r"[\s,]+(?:inc|ltd|llc|llp|gmbh|ag|se|corp|co|plc|kg|sa)\.?$")
_EDGES: Final = " .,;:'\"()"


@dataclass(frozen=True)
class Found:
    """One mention; *start* and *end* count code points of the page's text."""

    kind: str
    text: str  # as it is shown; the page may write it with other white space
    start: int
    end: int

    @cached_property
    def key(self) -> str:
        """What all spellings of the same thing have in common, within its kind."""
        folded = unicodedata.normalize("NFKC", self.text).casefold()
        spaced = _SPACES.sub(" ", folded).strip(_EDGES)
        return _KEYS.get(self.kind, str)(spaced) or spaced

    @property
    def name(self) -> tuple[str, str]:
        return self.kind, self.key


Finder: TypeAlias = Callable[[str], Iterator[Found]]


def found(kind: str, text: str, start: int, end: int) -> Found:
    """Return a mention whose text is one line of bounded length."""
    return Found(kind, " ".join(text.split())[:_MAX_CHARACTERS], start, end)


def _organisation(text: str) -> str:
    return _LEGAL_FORM.sub("", text).removeprefix("the ")


def _without_spaces(text: str) -> str:
    return text.replace(" ", "")


def _url(text: str) -> str:
    return text.rstrip("/").removeprefix("https://").removeprefix("http://").removeprefix("www.")


_KEYS: Final[dict[str, Callable[[str], str]]] = {
    "organisation": _organisation,
    "identifier": _without_spaces,
    "phone": _without_spaces,
    "url": _url,
}
