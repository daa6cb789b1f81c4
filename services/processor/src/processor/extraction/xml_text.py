"""XML of any vocabulary: its text, a line per element; nothing is expanded and nothing fetched."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from lxml import etree

from processor.extraction import xml_parts
from processor.extraction.document import Source
from processor.extraction.paging import MAX_HEADING_CHARACTERS, Block
from processor.extraction.text import BlockDocument
from processor.extraction.xml_parts import Element

_HEADINGS: Final = frozenset({"title", "head", "heading", "h1", "h2", "h3", "h4", "h5", "h6"})


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


def open_xml(source: Source) -> BlockDocument:
    """Look at the root. Raises UnreadableDocumentError or DecompressionLimitError."""
    facts: dict[str, Any] = {}
    with source.path.open("rb") as file:
        for _, root in xml_parts.stream(file, starts=True, flat_entities=True):
            facts["root"] = xml_parts.local(root)
            facts["namespace"] = etree.QName(root).namespace
            facts["encoding"] = root.getroottree().docinfo.encoding
            break
    return BlockDocument("lxml", lambda: _blocks(source), facts)


def _blocks(source: Source) -> Iterator[Block]:
    lines = _Lines()
    with source.path.open("rb") as file:
        for event, element in xml_parts.stream(file, starts=True, flat_entities=True):
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
