"""Plain text and Markdown, read by lines, so that a file of any size needs little memory."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from docyard_common.artifacts import Page
from processor.extraction.document import Source
from processor.extraction.encoding import detect_encoding
from processor.extraction.paging import MAX_HEADING_CHARACTERS, Block, paginate

_LINE_CHARACTERS: Final = 64 * 1024
"""Longest piece of a line that is read at once: a file may be one line of gigabytes."""
_HEADING: Final = re.compile(r" {0,3}#{1,6}\s+(.+?)\s*#*\s*$")
_FENCE: Final = re.compile(r" {0,3}(```|~~~)")


@dataclass
class BlockDocument:
    """A document that is a sequence of blocks: every format without pages of its own."""

    extractor: str
    blocks: Callable[[], Iterator[Block]]  # starts over at each call
    facts: dict[str, Any] = field(default_factory=dict)  # may grow while blocks are read

    @property
    def page_count(self) -> int | None:
        return None

    def pages(self, first: int) -> Iterator[Page]:
        return (page for page in paginate(self.blocks()) if page.number >= first)

    def metadata(self) -> dict[str, Any]:
        return self.facts

    def thumbnail(self) -> bytes | None:
        return None

    def close(self) -> None:
        """Nothing is held open between calls."""


def open_text(source: Source) -> BlockDocument:
    encoding = detect_encoding(source.path)
    return BlockDocument(
        "text", lambda: _plain_blocks(source.path, encoding), {"encoding": encoding}
    )


def open_markdown(source: Source) -> BlockDocument:
    encoding = detect_encoding(source.path)
    return BlockDocument(
        "markdown", lambda: _markdown_blocks(source.path, encoding), {"encoding": encoding}
    )


def read_lines(path: Path, encoding: str) -> Iterator[str]:
    """Yield lines with their ends; overlong ones in pieces, cut at a space where there is one."""
    rest = ""
    with path.open(encoding=encoding, errors="replace", newline=None) as file:
        while piece := file.readline(_LINE_CHARACTERS):
            line = rest + piece
            cut = len(line) if len(piece) < _LINE_CHARACTERS else line.rfind(" ") + 1 or len(line)
            yield line[:cut]
            rest = line[cut:]
    if rest:
        yield rest


def _plain_blocks(path: Path, encoding: str) -> Iterator[Block]:
    for line in read_lines(path, encoding):
        before, *after = line.split("\f")
        yield Block(before)
        for part in after:
            yield Block(part, starts_page=True)


def _markdown_blocks(path: Path, encoding: str) -> Iterator[Block]:
    fenced = False
    for line in read_lines(path, encoding):
        if _FENCE.match(line):
            fenced = not fenced
        heading = None if fenced else _HEADING.match(line)
        yield Block(line, heading=heading.group(1)[:MAX_HEADING_CHARACTERS] if heading else None)
