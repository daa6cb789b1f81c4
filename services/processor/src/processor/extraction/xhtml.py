"""XHTML made fit for readers of HTML, to whom an element is not closed by a slash."""

import re
from typing import Final

_HEAD_CHARACTERS: Final = 4096
_DECLARED: Final = re.compile(
    r"\A\s*<\?xml\s|<html\b[^>]*\sxmlns\s*=\s*[\"']http://www\.w3\.org/1999/xhtml[\"']",
    re.IGNORECASE,
)
# Possessive, and each ending somewhere: nothing may be tried twice, since pages are strangers'.
_ATTRIBUTES: Final = r"(?:\s(?:[^<>\"'/]|\"[^\"<]*+\"|'[^'<]*+'|/(?!>))*+)?+"
_LITERAL: Final = (
    r"<!--.*?(?:-->|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)"
    rf"|<(?P<raw>script|style){_ATTRIBUTES}>.*?(?:</(?P=raw)|\Z)"
)
_HIDING: Final = "title|script|style|textarea|template|noscript|iframe|object|noembed|noframes|xmp"
_LITERAL_OR_EMPTY: Final = re.compile(
    rf"{_LITERAL}|<(?P<empty>{_HIDING})(?P<attributes>{_ATTRIBUTES})/>", re.IGNORECASE | re.DOTALL
)


def as_html(page: str, *, known: bool = False) -> str:
    """Return *page* with empty elements written out, where it is XHTML or *known* to be.

    Only of those in which readers of HTML would lose the rest of the page.
    """
    if not known and not _DECLARED.search(page[:_HEAD_CHARACTERS]):
        return page
    return _LITERAL_OR_EMPTY.sub(_written_out, page)


def _written_out(found: re.Match[str]) -> str:
    name = found["empty"]
    return f"<{name}{found['attributes']}></{name}>" if name else found[0]
