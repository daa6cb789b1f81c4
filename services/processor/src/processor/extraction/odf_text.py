"""OpenDocument markup as blocks of text, for texts, sheets and slides alike."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Final

from lxml import etree

from processor.extraction import xml_parts
from processor.extraction.paging import MAX_HEADING_CHARACTERS, Block
from processor.extraction.xml_parts import Element

_MAX_SPACES: Final = 1_000
_MAX_ALIGNED_COLUMNS: Final = 1_024
_MAX_REPEATED_ROWS: Final = 1_000
"""Rows that are declared to repeat: a million of them would be the same line a million times."""
_PARAGRAPHS: Final = frozenset({"p", "h"})
_CELLS: Final = frozenset({"table-cell", "covered-table-cell"})
_LEFT_OUT: Final = frozenset(
    # What was struck out, reading aids, and signs in the place of a note.
    {"tracked-changes", "date-string", "note-citation", "ruby-text"}
)
_AUTHORSHIP: Final = frozenset({"creator", "date"})  # of a comment; a date in the text is a field
_DUBLIN_CORE: Final = "http://purl.org/dc/elements/1.1/"
_SPACE: Final = re.compile(r"[ \t\r\n]+")
_RELEASED: Final = frozenset({"p", "h", "table-row", "table", "page", "list-item"})
_VALUES: Final = ("date-value", "time-value", "boolean-value")


@dataclass
class _Paragraph:
    parts: list[str] = field(default_factory=list)
    is_heading: bool = False


@dataclass
class _Table:
    cells: list[str] = field(default_factory=list)
    cell: list[str] = field(default_factory=list)


class OdfWalk:
    """One pass over one part; *sheets* says that tables are sheets, whose rows are cells."""

    def __init__(self, *, sheets: bool = False) -> None:
        self._sheets = sheets
        self._paragraphs: list[_Paragraph] = []
        self._tables: list[_Table] = []
        self._left_out = 0
        self.parts: list[str] = []  # names of sheets or slides

    def blocks(self, file: IO[bytes]) -> Iterator[Block]:
        """Yield a block for each paragraph and each row. Raises as `xml_parts.stream`."""
        for event, element in xml_parts.stream(file, starts=True):
            name = xml_parts.local(element)
            if event == "start":
                yield from self._enter(name, element)
                continue
            yield from self._leave(name, element)
            if name in _RELEASED:
                xml_parts.release(element)

    def _enter(self, name: str, element: Element) -> Iterator[Block]:
        self._take_text(element.getprevious(), element.getparent())
        if _is_left_out(name, element):
            self._left_out += 1
        elif name in _PARAGRAPHS:
            self._paragraphs.append(_Paragraph(is_heading=name == "h"))
        elif name == "table":
            yield from self._enter_table(element)
        elif name == "page":
            yield from self._begin_part(element)

    def _enter_table(self, element: Element) -> Iterator[Block]:
        if self._sheets and not self._tables and not self._left_out:
            yield from self._begin_part(element)
        self._tables.append(_Table())

    def _begin_part(self, element: Element) -> Iterator[Block]:
        name = xml_parts.attribute(element, "name") or f"{len(self.parts) + 1}"
        self.parts.append(name)
        yield Block(name + "\n", heading=name[:MAX_HEADING_CHARACTERS], starts_page=True)

    def _take_text(self, before: Element | None, parent: Element | None) -> None:
        """Take the text after *before*, or at the beginning of *parent*, for the open paragraph."""
        if not self._paragraphs or self._left_out or parent is None:
            return
        text = before.tail if before is not None else parent.text
        self._paragraphs[-1].parts.append(_SPACE.sub(" ", text or ""))

    def _leave(self, name: str, element: Element) -> Iterator[Block]:
        if _is_left_out(name, element):
            self._left_out -= 1
            return
        self._take_text(element[-1] if len(element) else None, element)
        if name in _PARAGRAPHS:
            yield from self._end_paragraph(self._paragraphs.pop())
        elif name in _CELLS and self._tables:
            self._end_cell(element, self._tables[-1])
        elif name == "table-row" and self._tables:
            yield from self._end_row(element)
        elif name == "table" and self._tables:
            self._tables.pop()
        elif self._paragraphs and not self._left_out:
            self._paragraphs[-1].parts.append(_spacing(name, element))

    def _end_paragraph(self, paragraph: _Paragraph) -> Iterator[Block]:
        text = "".join(paragraph.parts).strip()
        if self._left_out or not text:
            return
        if self._tables:
            self._tables[-1].cell.append(text)
            return
        heading = " ".join(text.split())[:MAX_HEADING_CHARACTERS] if paragraph.is_heading else None
        yield Block(text + "\n", heading=heading)

    def _end_cell(self, element: Element, table: _Table) -> None:
        text, table.cell = " ".join(table.cell), []
        if self._sheets:
            stored = (xml_parts.attribute(element, name) for name in _VALUES)
            text = next(filter(None, stored), text) or xml_parts.attribute(element, "value") or ""
        count = _number(xml_parts.attribute(element, "number-columns-repeated"))
        room = _MAX_ALIGNED_COLUMNS - len(table.cells)
        table.cells.extend([text] * min(count, max(room, 1 if text else 0)))

    def _end_row(self, element: Element) -> Iterator[Block]:
        table = self._tables[-1]
        cells, table.cells = table.cells, []
        while cells and not cells[-1]:
            cells.pop()
        if not cells:
            return
        if len(self._tables) > 1:
            self._tables[-2].cell.append(" ".join(filter(None, cells)))
            return
        line = "\t".join(filter(None, cells) if self._sheets else cells) + "\n"
        count = _number(xml_parts.attribute(element, "number-rows-repeated"))
        for _ in range(min(count, _MAX_REPEATED_ROWS)):
            yield Block(line, row=tuple(cells) if self._sheets else None)


def _is_left_out(name: str, element: Element) -> bool:
    if name in _AUTHORSHIP:
        return etree.QName(element).namespace == _DUBLIN_CORE
    return name in _LEFT_OUT


def _spacing(name: str, element: Element) -> str:
    if name == "s":
        return " " * min(_number(xml_parts.attribute(element, "c")), _MAX_SPACES)
    return {"tab": "\t", "line-break": "\n"}.get(name, "")


def _number(value: str | None) -> int:
    return int(value) if value and value.isdecimal() else 1
