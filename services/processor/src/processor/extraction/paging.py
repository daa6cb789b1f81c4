"""Pages for formats that have none: about 3,000 characters, cut at natural borders."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from docyard_common.artifacts import Page
from processor.extraction.cleaning import clean

PAGE_CHARACTERS: Final = 3_000
"""About a printed page, so that page numbers of a hit mean something to people."""
_MAX_PAGE_CHARACTERS: Final = 4_500
MAX_HEADING_CHARACTERS: Final = 200
"""What opens a section may be longer; its name is cut."""
_BORDER: Final = re.compile(r".*(?:\n|[.!?。！？]\s|\s)", re.DOTALL)  # noqa: RUF001 - full-width marks end sentences too


@dataclass(frozen=True)
class Block:
    """A paragraph, line or row; with *heading* the line that opens a section of that name."""

    text: str
    heading: str | None = None
    starts_page: bool = False
    row: tuple[str, ...] | None = None  # its cells, where the block is a row of a table


@dataclass
class _PageUnderWay:
    number: int = 1
    parts: list[str] = field(default_factory=list)
    rows: list[tuple[str, ...]] = field(default_factory=list)
    size: int = 0
    heading: str | None = None  # of the section this page begins in
    section: str | None = None  # of the section that is being read


def paginate(blocks: Iterable[Block], *, first: int = 1) -> Iterator[Page]:
    """Cut *blocks* into pages, numbered from *first*; the same blocks give the same pages.

    A page ends after its block passes 3,000 characters, before a heading when it is more than half
    full, and inside a block only when that alone would make it longer than 4,500.
    """
    page = _PageUnderWay(number=first)
    for block in blocks:
        wants_new = block.starts_page or (block.heading and page.size > PAGE_CHARACTERS // 2)
        if wants_new and page.size:
            yield _finish(page)
        yield from _append(page, block)
    if page.size or page.number == first:
        yield _finish(page)


def _append(page: _PageUnderWay, block: Block) -> Iterator[Page]:
    if block.heading:
        page.section = block.heading
        if not page.size:
            page.heading = block.heading
    row = block.row
    for piece in _pieces(clean(block.text)):
        if page.size + len(piece) > _MAX_PAGE_CHARACTERS:
            yield _finish(page)
        page.parts.append(piece)
        page.size += len(piece)
        if row is not None:
            page.rows.append(tuple(map(clean, row)))
            row = None
        if page.size >= PAGE_CHARACTERS:
            yield _finish(page)


def _finish(page: _PageUnderWay) -> Page:
    finished = Page(
        number=page.number,
        text="".join(page.parts).strip("\n"),
        heading=page.heading,
        rows=tuple(page.rows) or None,
    )
    page.number += 1
    page.parts, page.rows, page.size, page.heading = [], [], 0, page.section
    return finished


def _pieces(text: str) -> Iterator[str]:
    """Cut a block that is too long for a page after a line, a sentence or at least a word."""
    while len(text) > _MAX_PAGE_CHARACTERS:
        border = _BORDER.match(text, PAGE_CHARACTERS // 2, PAGE_CHARACTERS)
        cut = border.end() if border else PAGE_CHARACTERS
        yield text[:cut]
        text = text[cut:]
    yield text
