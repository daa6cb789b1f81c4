"""OpenDocument: ODT texts, ODS sheets, ODP slides, and their templates."""

from collections.abc import Iterator
from typing import Any, Final

from docyard_common.media_types import MediaType
from processor.extraction import drawings, xml_parts
from processor.extraction.containers import Container, kept_open
from processor.extraction.document import Source
from processor.extraction.odf_text import OdfWalk
from processor.extraction.ooxml import UNHARMED
from processor.extraction.paging import Block
from processor.extraction.sections import SectionedDocument
from processor.extraction.xml_parts import Element
from processor.stages.errors import EncryptedDocumentError

_CONTENT: Final = "content.xml"
_STYLES: Final = "styles.xml"
_MANIFEST: Final = "META-INF/manifest.xml"
_THUMBNAIL: Final = "Thumbnails/thumbnail.png"
_ON_EVERY_PAGE: Final = (
    "header", "footer", "header-left", "footer-left", "header-first", "footer-first",
)  # fmt: skip
_META: Final = {
    "title": "title",
    "initial-creator": "author",
    "creator": "last_modified_by",
    "subject": "subject",
    "description": "description",
    "keyword": "keywords",
    "language": "language",
    "generator": "application",
    "creation-date": "created",
    "date": "modified",
}
_MAX_NAMED: Final = 100


def open_odf(source: Source) -> SectionedDocument:
    """Open the package. Raises what `Extractor` says."""
    with kept_open(source.path) as container:
        _require_unlocked(container)
    walk_names: list[str] = []
    sheets = source.media_type is MediaType.ODS

    def blocks() -> Iterator[Block]:
        walk = OdfWalk(sheets=sheets)
        with container.open(_CONTENT) as file:
            yield from walk.blocks(file)
        walk_names[:] = walk.parts
        yield from _on_every_page(container)

    return SectionedDocument(
        extractor="lxml",
        sections=[blocks],
        facts=lambda: _facts(container, source.media_type, walk_names),
        show=lambda: _thumbnail(container, source),
        release=container.close,
    )


def _require_unlocked(container: Container) -> None:
    root = _optional(container, _MANIFEST)
    if root is not None and xml_parts.first(root, "encryption-data") is not None:
        raise EncryptedDocumentError("The document opens only with a password.")


def _on_every_page(container: Container) -> Iterator[Block]:
    """Yield what the page styles print above and below; once, however many styles say it."""
    root = _optional(container, _STYLES)
    said: set[str] = set()
    for area in () if root is None else xml_parts.every(root, *_ON_EVERY_PAGE):
        for item in xml_parts.every(area, "p", "h"):
            line = " ".join("".join(item.itertext()).split())
            if line and line not in said:
                said.add(line)
                yield Block(line + "\n")


def _facts(container: Container, kind: MediaType, parts: list[str]) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    root = _optional(container, "meta.xml")
    for item in () if root is None else root.iter():
        if (name := _META.get(xml_parts.local(item))) and item.text:
            facts[name] = f"{facts[name]}, {item.text}" if name in facts else item.text
    if kind is MediaType.ODS:
        facts["sheets"], facts["sheet_names"] = len(parts), parts[:_MAX_NAMED]
    elif kind is MediaType.ODP:
        facts["slides"] = len(parts)
    return facts


def _thumbnail(container: Container, source: Source) -> bytes | None:
    try:
        return drawings.preview(container.read(_THUMBNAIL), source.limits)
    except UNHARMED:
        return None


def _optional(container: Container, part: str) -> Element | None:
    try:
        return xml_parts.parse(container.read(part))
    except UNHARMED:
        return None
