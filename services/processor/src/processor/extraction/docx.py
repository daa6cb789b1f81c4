"""DOCX: the text in reading order, then notes, comments, headers and footers."""

from collections.abc import Iterator
from typing import Final

from processor.extraction import drawings
from processor.extraction.containers import kept_open
from processor.extraction.document import Source
from processor.extraction.docx_styles import heading_styles
from processor.extraction.docx_text import DocxReader
from processor.extraction.ooxml import UNHARMED, Package
from processor.extraction.paging import Block
from processor.extraction.sections import SectionedDocument

_AFTER: Final = ("footnotes", "endnotes", "comments", "header", "footer")
_REPEATED: Final = frozenset({"header", "footer"})


def open_docx(source: Source) -> SectionedDocument:
    """Open the package. Raises what `Extractor` says."""
    with kept_open(source.path) as container:
        package = Package(container)
        reader = DocxReader(heading_styles(package))
    return SectionedDocument(
        extractor="lxml",
        sections=[lambda: _blocks(package, reader)],
        facts=package.metadata,
        show=lambda: drawings.thumbnail(package, source.limits),
        release=package.container.close,
    )


def _blocks(package: Package, reader: DocxReader) -> Iterator[Block]:
    with package.container.open(package.main) as file:
        yield from reader.blocks(file)
    for line in drawings.drawn_lines(package, package.main):
        yield Block(line + "\n")
    said: set[str] = set()
    for kind in _AFTER:
        for part in package.related(package.main, kind):
            for block in _beside(package, reader, part):
                # A header is repeated in every section, and means no more by that.
                if kind in _REPEATED and block.text in said:
                    continue
                said.add(block.text)
                yield block


def _beside(package: Package, reader: DocxReader, part: str) -> Iterator[Block]:
    """Read a part that stands beside the text; without it the document is still whole."""
    try:
        with package.container.open(part) as file:
            yield from reader.blocks(file)
    except UNHARMED:
        package.skipped.append(part)
