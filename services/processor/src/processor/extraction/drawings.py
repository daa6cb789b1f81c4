"""What Office documents of all three kinds draw: shapes with text, charts, diagrams, previews."""

from collections.abc import Iterator
from io import BytesIO
from typing import Final

from PIL import Image

from processor.extraction import xml_parts
from processor.extraction.ooxml import UNHARMED, Package
from processor.extraction.thumbnails import encode_thumbnail
from processor.extraction.xml_parts import Element
from processor.stages.task import DocumentLimits

_DRAWN: Final = ("chart", "chartEx", "diagramData")
_MAX_PREVIEW_BYTES: Final = 8 * 1024 * 1024
_LEFT_OUT: Final = "Fallback"
_NUMBERING_FIELD: Final = "slidenum"


def drawn_lines(package: Package, part: str) -> Iterator[str]:
    """Yield the words of charts and diagrams that *part* shows."""
    for drawn in package.related(part, *_DRAWN):
        root = package.optional(drawn)
        if root is None:
            continue
        yield from paragraphs(root)
        yield from _chart_words(root)


def paragraphs(root: Element) -> Iterator[str]:
    """Yield DrawingML text, one line per paragraph, in document order."""
    for paragraph in xml_parts.every(root, "p"):
        if not _is_left_out(paragraph) and (line := paragraph_text(paragraph)):
            yield line


def paragraph_text(paragraph: Element) -> str:
    """Return the text of one DrawingML paragraph; line breaks stay."""
    parts = []
    for item in xml_parts.every(paragraph, "t", "br", "tab"):
        name = xml_parts.local(item)
        if name != "t":
            parts.append("\n" if name == "br" else "\t")
        elif not _is_page_number(item):
            parts.append(item.text or "")
    return "".join(parts).strip()


def thumbnail(package: Package, limits: DocumentLimits) -> bytes | None:
    """Return the preview that the writing program has left; None where there is none to show."""
    for part in package.related("", "thumbnail"):
        try:
            data = package.container.read(part, most=_MAX_PREVIEW_BYTES)
        except UNHARMED:
            continue
        if (picture := preview(data, limits)) is not None:
            return picture
    return None


def preview(data: bytes, limits: DocumentLimits) -> bytes | None:
    """Return a stored preview as a thumbnail; None where it is damaged or too large."""
    try:
        with Image.open(BytesIO(data), formats=("PNG", "JPEG", "GIF", "BMP", "WEBP")) as picture:
            if picture.width * picture.height > limits.max_pixels:
                return None
            return encode_thumbnail(picture)
    except (
        OSError,
        SyntaxError,
        ValueError,
        KeyError,
        IndexError,
        TypeError,
        Image.DecompressionBombError,
    ):
        return None


def _chart_words(root: Element) -> Iterator[str]:
    """Yield names of series and categories: `c:v` inside of a cache of strings."""
    for cache in xml_parts.every(root, "strCache", "multiLvlStrCache"):
        for value in xml_parts.every(cache, "v"):
            if value.text and value.text.strip():
                yield value.text.strip()


def _is_left_out(element: Element) -> bool:
    """Whether this is the second form of something that was read in its first."""
    return next(element.iterancestors(f"{{*}}{_LEFT_OUT}"), None) is not None


def _is_page_number(item: Element) -> bool:
    parent = item.getparent()
    return parent is not None and parent.get("type") == _NUMBERING_FIELD
