"""DOCX: the text in reading order, then notes, comments, headers and footers."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

from processor.extraction import drawings
from processor.extraction.containers import kept_open
from processor.extraction.document import Source
from processor.extraction.docx_chunks import Chunks
from processor.extraction.docx_styles import heading_styles
from processor.extraction.docx_text import DocxReader
from processor.extraction.ooxml import UNHARMED, Package
from processor.extraction.paging import Block
from processor.extraction.sections import SectionedDocument
from processor.stages.task import DocumentLimits

_AFTER: Final = ("footnotes", "endnotes", "comments", "header", "footer")
_REPEATED: Final = frozenset({"header", "footer"})


def open_docx(source: Source) -> SectionedDocument:
    """Open the package. Raises what `Extractor` says."""
    with kept_open(source.path) as container:
        package = Package(container)
        text = _Text(package, DocxReader(heading_styles(package)), source.limits)
    return SectionedDocument(
        extractor="lxml",
        sections=[text.blocks],
        facts=package.metadata,
        show=lambda: drawings.thumbnail(package, source.limits),
        release=package.container.close,
    )


@dataclass(frozen=True)
class _Text:
    """What is read of one document."""

    package: Package
    reader: DocxReader
    limits: DocumentLimits

    def blocks(self) -> Iterator[Block]:
        package, chunks = self.package, Chunks(self.package, self.limits)
        yield from self._part(package.main, chunks)
        for line in drawings.drawn_lines(package, package.main):
            yield Block(line + "\n")
        said: set[str] = set()
        for kind in _AFTER:
            for part in package.related(package.main, kind):
                for block in self._beside(part, chunks):
                    # A header is repeated in every section, and means no more by that.
                    if kind in _REPEATED and block.text in said:
                        continue
                    said.add(block.text)
                    yield block

    def _beside(self, part: str, chunks: Chunks) -> Iterator[Block]:
        """Read a part that stands beside the text; without it the document is still whole."""
        try:
            yield from self._part(part, chunks)
        except UNHARMED:
            self.package.skipped.append(part)

    def _part(self, part: str, chunks: Chunks) -> Iterator[Block]:
        with self.package.container.open(part) as file:
            yield from self.reader.blocks(file, partial(chunks.blocks, part))
