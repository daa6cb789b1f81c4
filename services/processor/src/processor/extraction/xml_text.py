"""XML of any vocabulary: its text, a line per element; nothing is expanded and nothing fetched."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TextIO

from lxml import etree

from processor.extraction import xml_parts
from processor.extraction.document import Source
from processor.extraction.encoding import detect_xml_encoding
from processor.extraction.paging import MAX_HEADING_CHARACTERS, Block
from processor.extraction.text import BlockDocument
from processor.extraction.xml_parts import Element
from processor.stages.errors import UnreadableDocumentError

_HEADINGS: Final = frozenset({"title", "head", "heading", "h1", "h2", "h3", "h4", "h5", "h6"})
_BEFORE_DECLARATION: Final = " \t\r\n\ufeff"


@dataclass
class _Open:
    """An element that has begun: whether text stands directly in it, so that children are words."""

    mixed: bool = False


@dataclass
class _Lines:
    open: list[_Open] = field(default_factory=lambda: [_Open()])
    parts: list[str] = field(default_factory=list)

    def add(self, text: str) -> None:
        if text.strip():
            self.open[-1].mixed = True
        self.parts.append(text)

    def line(self) -> str:
        line = " ".join("".join(self.parts).split())
        self.parts = []
        return line


class _Recoded:
    """A text as UTF-8, without what may not stand before an XML declaration."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._begun = False

    def read(self, size: int = -1, /) -> bytes:
        piece = self._text.read(size)
        while piece and not self._begun:
            self._begun = bool(piece := piece.lstrip(_BEFORE_DECLARATION))
            piece = piece or self._text.read(size)
        return piece.encode("utf-8", "replace")


def open_xml(source: Source) -> BlockDocument:
    """Look at the root. Raises UnreadableDocumentError or DecompressionLimitError."""
    codec = None
    try:
        facts = _facts(source.path, codec)
    except UnreadableDocumentError:
        codec = detect_xml_encoding(source.path)
        facts = _facts(source.path, codec) | {"encoding": codec}
    if codec is None and (facts["encoding"] or "utf-8").lower() == "utf-8":
        # What is said by default is often wrong, and may show megabytes later.
        codec = detect_xml_encoding(source.path)
        facts["encoding"] = facts["encoding"] if codec == "utf-8" else codec
    return BlockDocument("lxml", lambda: _blocks(source.path, codec), facts)


def _facts(path: Path, codec: str | None) -> dict[str, Any]:
    _, root = next(_events(path, codec))
    return {
        "root": xml_parts.local(root),
        "namespace": etree.QName(root).namespace,
        "encoding": root.getroottree().docinfo.encoding,
    }


def _events(path: Path, codec: str | None) -> Iterator[tuple[str, Element]]:
    """Read the file as *codec*, or as it declares. Raises as `xml_parts.stream`."""
    if codec is None:
        with path.open("rb") as file:
            yield from xml_parts.stream(file, starts=True, flat_entities=True)
        return
    with path.open(encoding=codec, errors="replace", newline="") as text:
        yield from xml_parts.stream(
            _Recoded(text), starts=True, flat_entities=True, encoding="utf-8"
        )


def _blocks(path: Path, codec: str | None) -> Iterator[Block]:
    lines = _Lines()
    for event, element in _events(path, codec):
        if event == "start":
            lines.add(_text_before(element))
            if not lines.open[-1].mixed and (line := lines.line()):
                yield Block(line + "\n")
            lines.open.append(_Open())
            continue
        lines.add(_text_at_end(element))
        lines.open.pop()
        if not lines.open[-1].mixed and (line := lines.line()):
            is_heading = xml_parts.local(element).lower() in _HEADINGS
            yield Block(line + "\n", line[:MAX_HEADING_CHARACTERS] if is_heading else None)
        element.clear(keep_tail=True)


def _text_before(element: Element) -> str:
    """Return the text between the element before, which is given back, and this one."""
    parent = element.getparent()
    if parent is None:
        return ""
    return _text_after(element.getprevious(), parent)


def _text_at_end(element: Element) -> str:
    return _text_after(element[-1] if len(element) else None, element)


def _text_after(node: Element | None, parent: Element) -> str:
    """Collect backwards to the last element; references to entities stay as they are written."""
    parts: list[str] = []
    while node is not None:
        parts.append(node.tail or "")
        previous = node.getprevious()
        if isinstance(node.tag, str):
            parent.remove(node)
            parent.text = None
            return "".join(reversed(parts))
        parts.append(node.text or "")
        parent.remove(node)
        node = previous
    parts.append(parent.text or "")
    parent.text = None
    return "".join(reversed(parts))
