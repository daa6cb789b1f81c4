"""EPUB: the chapters in reading order, each read like a web page."""

import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import unquote

from processor.extraction import drawings, xml_parts
from processor.extraction.containers import Container, kept_open
from processor.extraction.document import Source
from processor.extraction.encoding import decode
from processor.extraction.html import html_blocks
from processor.extraction.ooxml import UNHARMED
from processor.extraction.paging import Block
from processor.extraction.sections import Section, SectionedDocument
from processor.extraction.xml_parts import Element
from processor.stages.errors import EncryptedDocumentError, UnreadableDocumentError

_XML_ENCODING: Final = re.compile(rb"""\s*<\?xml[^>]{0,200}?encoding=["']([\w.:-]+)""")
_CONTAINER: Final = "META-INF/container.xml"
_ENCRYPTION: Final = "META-INF/encryption.xml"
_MANGLED_FONTS: Final = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
_DUBLIN_CORE: Final = {
    "title": "title",
    "creator": "author",
    "subject": "subject",
    "description": "description",
    "publisher": "publisher",
    "language": "language",
    "identifier": "identifier",
    "date": "created",
    "rights": "rights",
}
_PAGES: Final = frozenset({"application/xhtml+xml", "text/html", "text/x-oeb1-document"})


class Book:
    """The package document: which files there are, and in which order they are read."""

    def __init__(self, container: Container) -> None:
        self.container = container
        self._part = _package_part(container)
        self.root = xml_parts.parse(container.read(self._part))
        self._items = {item.get("id"): item for item in xml_parts.every(self.root, "item")}

    def chapters(self) -> list[str]:
        """Return the parts of the spine; where it is empty, every page of the manifest."""
        spine = [
            self._items[reference.get("idref")]
            for reference in xml_parts.every(self.root, "itemref")
            if reference.get("idref") in self._items
        ]
        pages = [item for item in self._items.values() if item.get("media-type") in _PAGES]
        return [self._target(item) for item in spine or pages]

    def cover(self) -> str | None:
        """Return the part that holds the cover picture."""
        for item in self._items.values():
            if "cover-image" in (item.get("properties") or "").split():
                return self._target(item)
        for meta in xml_parts.every(self.root, "meta"):
            if meta.get("name") == "cover" and meta.get("content") in self._items:
                return self._target(self._items[meta.get("content")])
        return None

    def metadata(self) -> dict[str, Any]:
        facts: dict[str, Any] = {"chapters": len(self.chapters())}
        metadata = xml_parts.first(self.root, "metadata")
        for item in () if metadata is None else metadata.iter():
            name = _DUBLIN_CORE.get(xml_parts.local(item))
            if name and item.text:
                facts[name] = f"{facts[name]}, {item.text}" if name in facts else item.text
        return facts

    def _target(self, item: Element) -> str:
        return xml_parts.resolve(self._part, unquote(item.get("href") or ""))


def open_epub(source: Source) -> SectionedDocument:
    """Open the book. Raises what `Extractor` says."""
    with kept_open(source.path) as container:
        _require_unlocked(container)
        book = Book(container)
        chapters = book.chapters()
        if not chapters:
            raise UnreadableDocumentError("The book has no chapters.")
    return SectionedDocument(
        extractor="lexbor",
        sections=[_section(container, chapter) for chapter in chapters],
        facts=book.metadata,
        show=lambda: _cover(book, source),
        release=container.close,
    )


def _section(container: Container, chapter: str) -> Section:
    def blocks() -> Iterator[Block]:
        data = container.read(chapter)
        declared = _XML_ENCODING.match(data)
        label = declared.group(1).decode("ascii") if declared else None
        yield from html_blocks(decode(data, label, html=True), xhtml=True)

    return blocks


def _package_part(container: Container) -> str:
    if _CONTAINER in container:
        root = xml_parts.parse(container.read(_CONTAINER))
        for item in xml_parts.every(root, "rootfile"):
            part = unquote(item.get("full-path") or "")
            if part in container:
                return part
    for name in container.names():
        if name.casefold().endswith(".opf"):
            return name
    raise UnreadableDocumentError("The book does not say what it consists of.")


def _require_unlocked(container: Container) -> None:
    """Raise EncryptedDocumentError where more than fonts are encrypted."""
    if _ENCRYPTION not in container:
        return
    root = xml_parts.parse(container.read(_ENCRYPTION))
    for method in xml_parts.every(root, "EncryptionMethod"):
        if method.get("Algorithm") not in _MANGLED_FONTS:
            raise EncryptedDocumentError("The book is protected and opens only where it was sold.")


def _cover(book: Book, source: Source) -> bytes | None:
    cover = book.cover()
    try:
        data = book.container.read(cover) if cover else b""
    except UNHARMED:
        return None
    return drawings.preview(data, source.limits) if data else None
