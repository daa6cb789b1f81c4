"""HTML as a person would read it: nothing is run, nothing is fetched, what is not shown is left."""

import re
from collections.abc import Iterator
from typing import Any, Final

from selectolax.lexbor import LexborHTMLParser, LexborNode

from processor.extraction.cleaning import clean_metadata
from processor.extraction.document import Source
from processor.extraction.encoding import detect_html_encoding
from processor.extraction.paging import Block
from processor.extraction.text import BlockDocument
from processor.extraction.xhtml import as_html
from processor.stages.errors import DecompressionLimitError, UnreadableDocumentError

_HIDDEN: Final = frozenset(
    {"head", "script", "style", "template", "noscript", "iframe", "object", "svg", "-comment"}
)
_HEADINGS: Final = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_CELLS: Final = frozenset({"td", "th"})
_BLOCKS: Final = _HEADINGS | {
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "br",
    "caption",
    "center",
    "dd",
    "details",
    "dialog",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "header",
    "hr",
    "html",
    "legend",
    "li",
    "main",
    "menu",
    "nav",
    "ol",
    "option",
    "p",
    "pre",
    "section",
    "select",
    "summary",
    "table",
    "tbody",
    "tfoot",
    "thead",
    "title",
    "tr",
    "ul",
}
_SPACE: Final = re.compile(r"[ \t\n\r\f]+")
_MAX_HEADING_CHARACTERS: Final = 200


def open_html(source: Source) -> BlockDocument:
    """Parse as browsers do. Raises DecompressionLimitError or UnreadableDocumentError."""
    if source.path.stat().st_size > source.limits.max_characters:
        raise DecompressionLimitError("The page is longer than one document may be.")
    encoding = detect_html_encoding(source.path)
    tree = LexborHTMLParser(as_html(source.path.read_text(encoding, errors="replace")))
    if tree.root is None:
        raise UnreadableDocumentError("The page can not be parsed.")
    root = tree.root
    facts = {"encoding": encoding, **_facts(tree)}
    return BlockDocument("lexbor", lambda: _blocks(root), clean_metadata(facts))


def html_blocks(page: str, *, xhtml: bool = False) -> Iterator[Block]:
    """Yield what a person would read of *page*; nothing where it can not be parsed.

    Pages that are *xhtml* need not say so themselves.
    """
    root = LexborHTMLParser(as_html(page, known=xhtml)).root
    if root is not None:
        yield from _blocks(root)


def _facts(tree: LexborHTMLParser) -> dict[str, Any]:
    title, root = tree.css_first("head > title"), tree.css_first("html")
    metas = {
        str(name).lower(): node.attributes.get("content")
        for node in tree.css("head > meta[name]")
        if (name := node.attributes.get("name"))
    }
    return {
        "title": title.text(strip=True) if title else None,
        "language": root.attributes.get("lang") if root else None,
        "author": metas.get("author"),
        "description": metas.get("description"),
        "keywords": metas.get("keywords"),
    }


def _blocks(root: LexborNode) -> Iterator[Block]:
    """Yield one block per line of the page, headings marked as such."""
    parts: list[str] = []
    heading = False
    for text, tag, entering in _walk(root):
        if tag == "-text":
            parts.append(text)
        elif tag in _CELLS:
            parts.append("" if entering else "\t")
        elif tag in _BLOCKS:
            if line := _line(parts):
                yield Block(line + "\n", line[:_MAX_HEADING_CHARACTERS] if heading else None)
            parts = []
            heading = entering and tag in _HEADINGS
    if line := _line(parts):
        yield Block(line + "\n")


def _line(parts: list[str]) -> str:
    cells = "".join(parts).split("\t")
    return "\t".join(_SPACE.sub(" ", cell).strip() for cell in cells).strip()


def _walk(root: LexborNode) -> Iterator[tuple[str, str, bool]]:
    """Yield (text, tag, entering) in document order, without recursion: nesting is the page's."""
    node, descend = root, True
    while True:
        tag = node.tag or ""
        if descend and tag not in _HIDDEN:
            yield _text(node), tag, True
            if node.first_child is not None:
                node = node.first_child
                continue
        yield "", "" if tag == "-text" else tag, False
        if node.mem_id == root.mem_id:
            return
        if node.next is not None:
            node, descend = node.next, True
        elif node.parent is not None:
            node, descend = node.parent, False
        else:
            return


def _text(node: LexborNode) -> str:
    # A tab in the source is a space to a reader; ours separate cells.
    return _SPACE.sub(" ", node.text_content or "") if node.is_text_node else ""
