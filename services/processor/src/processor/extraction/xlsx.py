"""XLSX: each sheet begins a page; rows as cells, then its comments, boxes, header and footer."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from processor.extraction import drawings, xml_parts
from processor.extraction.containers import kept_open
from processor.extraction.document import Source
from processor.extraction.ooxml import Package
from processor.extraction.paging import MAX_HEADING_CHARACTERS, Block
from processor.extraction.sections import SectionedDocument
from processor.extraction.xlsx_cells import CellReader, shared_strings
from processor.extraction.xml_parts import Element
from processor.stages.errors import UnreadableDocumentError

_SHEET_KINDS: Final = ("worksheet", "chartsheet", "dialogsheet", "xlMacrosheet")
_PRINTED: Final = (
    "oddHeader", "oddFooter", "evenHeader", "evenFooter", "firstHeader", "firstFooter",
)  # fmt: skip
# Codes of headers and footers: a font in quotes, a size, a colour, or one letter.
_PRINT_CODE: Final = re.compile(r'&(?:"[^"]*"|K[0-9A-Fa-f]{6}|\d+|[A-Za-z])')
_MAX_NAMED: Final = 100


@dataclass(frozen=True)
class _Sheet:
    name: str
    part: str
    hidden: bool


def open_xlsx(source: Source) -> SectionedDocument:
    """Open the workbook. Raises what `Extractor` says."""
    with kept_open(source.path) as container:
        package = Package(container)
        book = _Workbook(package, source)
        sections = [book.section(sheet) for sheet in book.sheets]
    return SectionedDocument(
        extractor="lxml",
        sections=sections,
        facts=book.metadata,
        show=lambda: drawings.thumbnail(package, source.limits),
        release=package.container.close,
    )


class _Workbook:
    def __init__(self, package: Package, source: Source) -> None:
        self._package = package
        root = package.root(package.main)
        self.sheets = _sheets(package, root)
        self._cells: CellReader | None = None
        self._max_characters = source.limits.max_characters
        properties = xml_parts.first(root, "workbookPr")
        self._from_1904 = properties is not None and properties.get("date1904") in {"1", "true"}
        self._rows = 0

    def section(self, sheet: _Sheet) -> Any:
        return lambda: self._blocks(sheet)

    def metadata(self) -> dict[str, Any]:
        facts = self._package.metadata()
        facts["sheets"] = len(self.sheets)
        facts["sheet_names"] = [sheet.name for sheet in self.sheets[:_MAX_NAMED]]
        facts["hidden_sheets"] = [sheet.name for sheet in self.sheets if sheet.hidden] or None
        return facts

    def _blocks(self, sheet: _Sheet) -> Iterator[Block]:
        heading = sheet.name[:MAX_HEADING_CHARACTERS]
        yield Block(sheet.name + "\n", heading=heading, starts_page=True)
        with self._package.container.open(sheet.part) as file:
            for _, element in xml_parts.stream(file, tags=("row", "headerFooter")):
                if xml_parts.local(element) == "row":
                    cells = self._reader().row(element)
                    xml_parts.release(element)
                    if any(cells):
                        yield Block("\t".join(filter(None, cells)) + "\n", row=cells)
                else:
                    yield from _printed(element)
        yield from self._beside(sheet)

    def _reader(self) -> CellReader:
        """Load strings and styles once, when the first row wants them."""
        if self._cells is None:
            strings = shared_strings(self._package, most=self._max_characters)
            self._cells = CellReader(self._package, strings, from_1904=self._from_1904)
        return self._cells

    def _beside(self, sheet: _Sheet) -> Iterator[Block]:
        """Yield what stands over the cells: comments, text boxes, charts."""
        package = self._package
        for part in package.related(sheet.part, "comments", "threadedComment"):
            root = package.optional(part)
            for comment in (
                () if root is None else xml_parts.every(root, "comment", "threadedComment")
            ):
                if text := "".join(t.text or "" for t in xml_parts.every(comment, "t", "text")):
                    yield Block(f"{comment.get('ref') or ''}: {text.strip()}\n")
        for part in package.related(sheet.part, "drawing"):
            root = package.optional(part)
            for line in () if root is None else drawings.paragraphs(root):
                yield Block(line + "\n")
            for line in drawings.drawn_lines(package, part):
                yield Block(line + "\n")


def _sheets(package: Package, root: Element) -> list[_Sheet]:
    targets = {found.id: found.target for found in package.relationships(package.main)}
    sheets = []
    for item in xml_parts.every(root, "sheet"):
        target = targets.get(xml_parts.attribute(item, "id") or "", "")
        hidden = item.get("state") in {"hidden", "veryHidden"}
        sheets.append(_Sheet(item.get("name") or "", target, hidden))
    if not sheets:
        raise UnreadableDocumentError("The workbook has no sheets.")
    return sheets


def _printed(element: Element) -> Iterator[Block]:
    for item in xml_parts.every(element, *_PRINTED):
        text = _PRINT_CODE.sub(" ", item.text or "").replace("&&", "&").strip()
        if text:
            yield Block(text + "\n")
