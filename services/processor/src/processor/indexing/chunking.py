"""Passages of 150 to 250 words that respect pages and headings, with some overlap.

A passage ends at a heading, and at the end of a page unless it is still short; long paragraphs are
cut between sentences. A little of the end is repeated in the next passage of the same section, so
that what stands on a border is found from both sides.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from docyard_common.artifacts import Page

MIN_WORDS: Final = 150
MAX_WORDS: Final = 250
OVERLAP_WORDS: Final = 30
_MAX_UNIT_CHARACTERS: Final = 1_500
"""Text without spaces (Chinese, base64) is one word however long; this bounds it."""
_SENTENCE_END: Final = re.compile(r"(?<=[.!?。！？])\s+|(?<=[。！？])|\n{2,}|\n(?=\s*#)")  # noqa: RUF001 - full-width marks end sentences

_WORD: Final = re.compile(r"\S+")


@dataclass(frozen=True)
class Passage:
    """A piece of text and where it stands."""

    text: str
    page_first: int
    page_last: int
    heading: str | None
    start: int  # in code points of the text of page_first
    end: int  # in code points of the text of page_last


@dataclass(frozen=True)
class _Unit:
    """A sentence, or a piece of one that is too long."""

    text: str
    start: int
    end: int
    page: int
    heading: str | None
    words: int


@dataclass
class _Passage:
    units: list[_Unit] = field(default_factory=list)
    words: int = 0
    fresh: bool = False  # whether it has more than what it repeats

    def add(self, unit: _Unit) -> None:
        self.units.append(unit)
        self.words += unit.words
        self.fresh = True


def passages(pages: Iterable[Page]) -> Iterator[Passage]:
    """Cut *pages* into passages; empty pages give none."""
    passage = _Passage()
    for unit in _units(pages):
        if passage.fresh and _ends_before(passage, unit):
            yield _finish(passage)
            passage = _following(passage, unit)
        passage.add(unit)
    if passage.fresh:
        yield _finish(passage)


def _ends_before(passage: _Passage, unit: _Unit) -> bool:
    last = passage.units[-1]
    if last.heading != unit.heading:
        return True
    turns_page = last.page != unit.page
    return passage.words + unit.words > MAX_WORDS or (turns_page and passage.words >= MIN_WORDS)


def _finish(passage: _Passage) -> Passage:
    units = passage.units
    return Passage(
        text=" ".join(unit.text for unit in units),
        page_first=units[0].page,
        page_last=units[-1].page,
        heading=units[0].heading,
        start=units[0].start,
        end=units[-1].end,
    )


def _following(passage: _Passage, unit: _Unit) -> _Passage:
    """Begin the next passage with the end of this one, inside a section only."""
    repeated: list[_Unit] = []
    words = 0
    for earlier in reversed(passage.units):
        words += earlier.words
        if words > OVERLAP_WORDS or earlier.heading != unit.heading:
            break
        repeated.insert(0, earlier)
    return _Passage(repeated, sum(earlier.words for earlier in repeated))


def _units(pages: Iterable[Page]) -> Iterator[_Unit]:
    for page in pages:
        for start, end in _sentences(page.text):
            for text, first, last in _pieces(page.text, start, end):
                yield _Unit(text, first, last, page.number, page.heading, _count(text))


def _count(piece: str) -> int:
    """Count words; six characters count as one where a script has no spaces."""
    return max(piece.count(" ") + 1, len(piece) // 6 if " " not in piece else 0)


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    begin = 0
    for mark in _SENTENCE_END.finditer(text):
        yield begin, mark.start()
        begin = mark.end()
    yield begin, len(text)


def _pieces(text: str, start: int, end: int) -> Iterator[tuple[str, int, int]]:
    """Yield a sentence as one line with its place, in several pieces where it is too long."""
    words: list[str] = []
    size = first = last = 0
    for word, at in _words(text, start, end):
        if words and (size + len(word) > _MAX_UNIT_CHARACTERS or len(words) >= MIN_WORDS):
            yield " ".join(words), first, last
            words, size = [], 0
        first = first if words else at
        last = at + len(word)
        words.append(word)
        size += len(word) + 1
    if words:
        yield " ".join(words), first, last


def _words(text: str, start: int, end: int) -> Iterator[tuple[str, int]]:
    """Yield words with their places; one without end is cut."""
    for found in _WORD.finditer(text, start, end):
        for at in range(found.start(), found.end(), _MAX_UNIT_CHARACTERS):
            yield text[at : min(at + _MAX_UNIT_CHARACTERS, found.end())], at
