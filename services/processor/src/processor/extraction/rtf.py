"""RTF: its text by striprtf; pictures and objects are left out unread."""

import codecs
import re
from collections.abc import Iterator
from typing import Any, Final

from striprtf.striprtf import rtf_to_text

from processor.extraction.cleaning import clean_metadata
from processor.extraction.document import Source
from processor.extraction.paging import Block
from processor.extraction.text import BlockDocument
from processor.stages.errors import DecompressionLimitError, UnreadableDocumentError

_PAGE: Final = re.compile(r"\\page(?![a-z])")
_FORM_FEED: Final = r"\\'0c"
_CODE_PAGE: Final = re.compile(rb"\\ansicpg(\d{1,5})")
_INFO: Final = re.compile(
    r"\{\\(title|author|subject|keywords|company|doccomm)[ \r\n]((?:\{\\\*?[^{}]*\}|[^{}])*)\}"
)
_HEAD: Final = 64 * 1024
_MAX_BYTES: Final = 128 * 1024 * 1024
"""It is read whole; what is larger holds pictures that were not compressed."""
# What striprtf raises for code that is none.
_DAMAGED: Final = (ValueError, LookupError, TypeError, AttributeError, OverflowError)


def open_rtf(source: Source) -> BlockDocument:
    """Read the whole file. Raises UnreadableDocumentError or DecompressionLimitError."""
    if source.path.stat().st_size > _MAX_BYTES:
        raise DecompressionLimitError("The RTF file is larger than is read at once.")
    data = source.path.read_bytes()
    encoding = _encoding(data)
    text = _text_of(data, encoding)
    head = data[:_HEAD].decode(encoding, errors="replace")
    return BlockDocument("striprtf", lambda: _blocks(text), _facts(head, encoding))


def rtf_blocks(data: bytes) -> Iterator[Block]:
    """Yield the text of RTF inside of something else. Raises UnreadableDocumentError."""
    yield from _blocks(_text_of(data, _encoding(data)))


def _text_of(data: bytes, encoding: str) -> str:
    code = data.decode(encoding, errors="replace")
    return _text(_PAGE.sub(_FORM_FEED, code), encoding)


def _text(code: str, encoding: str) -> str:
    try:
        return str(
            rtf_to_text(code, encoding=encoding, errors="replace")  # type: ignore[no-untyped-call]
        )
    except _DAMAGED as error:
        raise UnreadableDocumentError(f"The RTF file is damaged: {error}."[:500]) from error


def _encoding(data: bytes) -> str:
    found = _CODE_PAGE.search(data, 0, _HEAD)
    name = f"cp{found.group(1).decode()}" if found else "cp1252"
    try:
        return codecs.lookup(name).name
    except LookupError:
        return "cp1252"


def _facts(head: str, encoding: str) -> dict[str, Any]:
    facts: dict[str, Any] = {"encoding": encoding}
    for name, value in _INFO.findall(head):
        facts["description" if name == "doccomm" else name] = _text(
            "{\\rtf1 " + value + "}", encoding
        ).strip()
    return clean_metadata(facts)


def _blocks(text: str) -> Iterator[Block]:
    for number, page in enumerate(text.split("\f")):
        for index, line in enumerate(page.splitlines(keepends=True)):
            yield Block(line, starts_page=number > 0 and index == 0)
