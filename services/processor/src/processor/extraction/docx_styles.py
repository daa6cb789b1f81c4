"""Which paragraph styles of a DOCX are headings: by outline level or name, inherited or not."""

import re
from typing import Final

from processor.extraction import xml_parts
from processor.extraction.ooxml import Package
from processor.extraction.xml_parts import Element

_NAMED: Final = re.compile(r"(heading \d|title|subtitle|toc heading)$", re.IGNORECASE)
_MAX_ANCESTORS: Final = 20
_BODY_LEVEL: Final = "9"


def heading_styles(package: Package) -> dict[str, bool]:
    """Return by style id whether its paragraphs are headings; empty where styles are missing."""
    roots = [package.optional(part) for part in package.related(package.main, "styles")]
    styles = {
        xml_parts.attribute(style, "styleId") or "": style
        for root in roots
        if root is not None
        for style in xml_parts.every(root, "style")
    }
    return {name: _is_heading(name, styles) for name in styles}


def _is_heading(name: str, styles: dict[str, Element]) -> bool:
    """Follow `basedOn` until a style decides; styles may be based on each other in a circle."""
    for _ in range(_MAX_ANCESTORS):
        style = styles.get(name)
        if style is None:
            return False
        level = xml_parts.first(style, "outlineLvl")
        if level is not None:
            return xml_parts.attribute(level, "val") != _BODY_LEVEL
        if _NAMED.match(_value(style, "name")):
            return True
        name = _value(style, "basedOn")
    return False


def _value(style: Element, child: str) -> str:
    found = xml_parts.first(style, child)
    return (xml_parts.attribute(found, "val") or "") if found is not None else ""
