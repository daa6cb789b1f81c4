"""Sentences and words, without a model for any one language."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

import stopwordsiso

_ABBREVIATIONS: Final = "Dr|Mr|Ms|Mrs|Prof|St|Nr|No|Inc|Ltd|Art|Abs|vs|bzw|ca|Tel|Str"
_NO_BREAK: Final = "".join(rf"(?<!\b{word}\.)" for word in _ABBREVIATIONS.split("|"))
_SENTENCE_BREAK: Final = re.compile(
    rf"(?<=[.!?]){_NO_BREAK}\s+(?=[\W\d]*[^\W\d_])|(?<=[。！？])|\n\s*\n"  # noqa: RUF001 - full-width marks end sentences too
)
_WORD: Final = re.compile(r"[^\W\d_][\w'’-]*[\w]|[^\W\d_]")  # noqa: RUF001 - typographic apostrophes stand in words
_NO_SPACES: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f]")
_MIN_WORD: Final = 3
_MAX_WORD: Final = 40


@dataclass(frozen=True)
class Sentence:
    """A sentence and the page it begins on."""

    text: str
    page: int


def sentences(text: str) -> list[str]:
    """Split at sentence marks and empty lines; white space inside becomes single spaces."""
    return [joined for part in _SENTENCE_BREAK.split(text) if (joined := " ".join(part.split()))]


def sentence_spans(text: str, *, longest: int) -> Iterator[tuple[int, int]]:
    """Yield where sentences begin and end in *text*; one beyond *longest* is cut into pieces."""
    begin = 0
    for end in (*(found.end() for found in _SENTENCE_BREAK.finditer(text)), len(text)):
        for start in range(begin, end, longest):
            yield start, min(start + longest, end)
        begin = end


def words(text: str) -> list[str]:
    """Return words in lower case; scripts without spaces give overlapping pairs of characters."""
    found: list[str] = []
    for word in _WORD.findall(text.lower()):
        if _NO_SPACES.search(word):
            found.extend(word[at : at + 2] for at in range(max(1, len(word) - 1)))
        else:
            found.append(word)
    return found


def is_telling(word: str, stop_words: frozenset[str]) -> bool:
    """Whether a word can say what a text is about."""
    if _NO_SPACES.search(word):
        return word not in stop_words
    return _MIN_WORD <= len(word) <= _MAX_WORD and word not in stop_words


@cache
def stop_words(language: str | None) -> frozenset[str]:
    """Return the words of a language that say nothing; English where the language is unknown."""
    known = language if language and stopwordsiso.has_lang(language) else "en"
    return frozenset(stopwordsiso.stopwords(known))
