"""Files inside of a DOCX that Word makes part of its text when somebody opens it: `altChunk`."""

import re
import tempfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Final

from processor.extraction.containers import kept_open
from processor.extraction.docx_styles import heading_styles
from processor.extraction.docx_text import DocxReader
from processor.extraction.eml import read_letter
from processor.extraction.encoding import decode
from processor.extraction.html import html_blocks
from processor.extraction.mail_parsing import parse_mail
from processor.extraction.ooxml import UNHARMED, Package
from processor.extraction.paging import Block
from processor.extraction.rtf import rtf_blocks
from processor.stages.errors import EncryptedDocumentError
from processor.stages.task import DocumentLimits

_KIND: Final = "aFChunk"
_MOST: Final = 1_000
"""More parts than a document is put together from; what is behind them is not read."""
_HEAD_BYTES: Final = 4_096
_MAIL: Final = re.compile(
    rb"\A\s*[A-Za-z][\w-]*:.*^MIME-Version:", re.IGNORECASE | re.DOTALL | re.MULTILINE
)
_MARKUP: Final = re.compile(r"<[A-Za-z!?/]")


class Chunks:
    """What the parts of one document include. Each file is read once, however often it is named."""

    def __init__(self, package: Package, limits: DocumentLimits) -> None:
        self._package = package
        self._limits = limits
        self._read: set[str] = set()

    def blocks(self, part: str, identifier: str) -> Iterator[Block]:
        """Yield what *part* includes by a relationship; a file that can not be read is skipped."""
        for found in self._package.relationships(part):
            is_meant = found.id == identifier and found.kind == _KIND and not found.external
            if is_meant and found.target in self._package.container:
                yield from self._once(found.target)

    def _once(self, name: str) -> Iterator[Block]:
        if name in self._read or len(self._read) >= _MOST:
            return
        self._read.add(name)
        try:
            data = self._package.container.read(name, most=self._limits.max_characters)
            yield from _blocks(data, name)
        except (EncryptedDocumentError, *UNHARMED):
            self._package.skipped.append(name)


def _blocks(data: bytes, name: str) -> Iterator[Block]:
    head = data[:_HEAD_BYTES]
    if head.startswith(b"PK"):
        yield from _nested(data)
    elif head.lstrip().startswith(b"{\\rtf"):
        yield from rtf_blocks(data)
    elif _MAIL.search(head):
        for text in read_letter(parse_mail(BytesIO(data))).texts:
            yield from text.blocks()
    else:
        # Types and names are the writing program's own: `.dat` is usual for HTML.
        page = decode(data, None, html=True)
        is_page = not name.lower().endswith(".txt") and _MARKUP.search(page)
        lines = page.splitlines(keepends=True)
        yield from html_blocks(page) if is_page else (Block(line) for line in lines)


def _nested(data: bytes) -> Iterator[Block]:
    """Read the body of a document inside; what that includes in its turn is left out."""
    with tempfile.NamedTemporaryFile(suffix=".docx") as file:
        file.write(data)
        file.flush()
        with kept_open(Path(file.name)) as container:
            try:
                package = Package(container)
                with container.open(package.main) as body:
                    yield from DocxReader(heading_styles(package)).blocks(body)
            finally:
                container.close()
