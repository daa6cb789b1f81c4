"""WordprocessingML as blocks of text: one reader for body, notes, comments, headers and footers."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Final, TypeAlias

from processor.extraction import xml_parts
from processor.extraction.paging import MAX_HEADING_CHARACTERS, Block
from processor.extraction.xml_parts import Element

Included: TypeAlias = Callable[[str], Iterator[Block]]
"""Reads what a part includes from another file, by the id of the relationship."""
_BODY_LEVEL: Final = 9
"""Outline level of text that is no heading."""
_LEFT_OUT: Final = frozenset({"Fallback", "rt", "del", "moveFrom"})
"""A second form of the same, a reading aid between the letters, and what was struck out."""
_IN_RUN: Final = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "ptab": "\t"}
_ROW_PARTS: Final = frozenset({"tc", "tr"})
_RELEASED: Final = frozenset({"p", "tr", "tbl", "sdt"})
_PAGE_BREAK: Final = "\f"


@dataclass
class _Paragraph:
    parts: list[str] = field(default_factory=list)
    is_heading: bool = False


@dataclass
class _Table:
    cells: list[str] = field(default_factory=list)
    cell: list[str] = field(default_factory=list)


class DocxReader:
    """Walks the markup by its events, so that a part of any size needs little memory."""

    def __init__(self, headings: Mapping[str, bool]) -> None:
        self._headings = headings  # by the id of a paragraph style

    def blocks(self, file: IO[bytes], included: Included | None = None) -> Iterator[Block]:
        """Yield a block for each paragraph and each row, and those of what is *included*.

        Raises as `xml_parts.stream`.
        """
        return _Walk(self._headings, included or (lambda _: iter(()))).blocks(file)


class _Walk:
    """One pass over one part."""

    def __init__(self, headings: Mapping[str, bool], included: Included) -> None:
        self._headings = headings
        self._included = included
        self._paragraphs: list[_Paragraph] = []  # nested: a text box stands inside a paragraph
        self._tables: list[_Table] = []
        self._left_out = 0
        self._breaks_page = False

    def blocks(self, file: IO[bytes]) -> Iterator[Block]:
        for event, element in xml_parts.stream(file, starts=True):
            name = xml_parts.local(element)
            if event == "start":
                self._enter(name, element)
                continue
            yield from self._leave(name, element)
            if name in _RELEASED:
                xml_parts.release(element)

    def _enter(self, name: str, element: Element) -> None:
        if name in _LEFT_OUT and not _marks_only(name, element):
            self._left_out += 1
        elif name == "p":
            self._paragraphs.append(_Paragraph())
        elif name == "tbl":
            self._tables.append(_Table())

    def _leave(self, name: str, element: Element) -> Iterator[Block]:
        if name in _LEFT_OUT and not _marks_only(name, element):
            self._left_out -= 1
        elif name == "p":
            yield from self._end_paragraph(self._paragraphs.pop())
        elif name in _ROW_PARTS and self._tables:
            yield from self._end_of_row_part(name)
        elif name == "tbl":
            self._tables.pop()
        elif name == "altChunk" and not self._left_out:
            yield from self._include(xml_parts.attribute(element, "id") or "")
        elif self._paragraphs and not self._left_out:
            self._inline(name, element, self._paragraphs[-1])

    def _include(self, identifier: str) -> Iterator[Block]:
        blocks = self._included(identifier)
        if self._tables:
            self._tables[-1].cell.extend(" ".join(block.text.split()) for block in blocks)
        else:
            yield from blocks

    def _inline(self, name: str, element: Element, paragraph: _Paragraph) -> None:
        if name == "t":
            paragraph.parts.append(element.text or "")
        elif name in _IN_RUN and _in_run(element):
            starts_page = name == "br" and xml_parts.attribute(element, "type") == "page"
            paragraph.parts.append(_PAGE_BREAK if starts_page else _IN_RUN[name])
        elif name == "sym":
            paragraph.parts.append(_symbol(element))
        elif name == "pStyle":
            style = xml_parts.attribute(element, "val") or ""
            paragraph.is_heading |= self._headings.get(style, False)
        elif name == "outlineLvl":
            paragraph.is_heading |= _level(element) < _BODY_LEVEL
        elif name == "pageBreakBefore" and xml_parts.attribute(element, "val") not in {
            "0",
            "false",
        }:
            paragraph.parts.insert(0, _PAGE_BREAK)

    def _end_paragraph(self, paragraph: _Paragraph) -> Iterator[Block]:
        if self._left_out:
            return
        text = "".join(paragraph.parts)
        if self._tables:
            self._tables[-1].cell.append(text.replace(_PAGE_BREAK, " ").strip())
            return
        heading = " ".join(text.split())[:MAX_HEADING_CHARACTERS] if paragraph.is_heading else ""
        for number, piece in enumerate(text.split(_PAGE_BREAK)):
            starts_page = self._breaks_page or number > 0
            self._breaks_page = starts_page and not piece.strip()
            if piece.strip():
                yield Block(piece + "\n", heading=heading or None, starts_page=starts_page)

    def _end_of_row_part(self, name: str) -> Iterator[Block]:
        table = self._tables[-1]
        if name == "tc":
            table.cells.append(" ".join(filter(None, table.cell)))
            table.cell = []
            return
        cells, table.cells = table.cells, []
        if not any(cells):
            return
        if len(self._tables) > 1:
            self._tables[-2].cell.append(" ".join(filter(None, cells)))
        else:
            yield Block("\t".join(cells) + "\n")


def _marks_only(name: str, element: Element) -> bool:
    """Whether this only marks a paragraph's end or a row as struck out: its text still stands."""
    if name not in {"del", "moveFrom"}:
        return False
    parent = element.getparent()
    return parent is not None and xml_parts.local(parent) in {"rPr", "trPr", "numPr", "ctrlPr"}


def _in_run(element: Element) -> bool:
    # The same names mean tab stops and borders inside of properties.
    parent = element.getparent()
    return parent is not None and xml_parts.local(parent) == "r"


def _symbol(element: Element) -> str:
    try:
        code = int(xml_parts.attribute(element, "char") or "", 16)
    except ValueError:
        return ""
    # Symbol fonts put their characters into the private area, where they mean nothing to others.
    return chr(code) if code < 0xE000 else ""  # noqa: PLR2004 - where that area begins


def _level(element: Element) -> int:
    try:
        return int(xml_parts.attribute(element, "val") or _BODY_LEVEL)
    except ValueError:
        return _BODY_LEVEL
