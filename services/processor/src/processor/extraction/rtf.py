"""RTF: its text by striprtf, which is given no pictures and finds notes among the text."""

import codecs
import re
from collections.abc import Iterator
from typing import Any, Final

from striprtf.striprtf import rtf_to_text

from processor.extraction.cleaning import clean_metadata
from processor.extraction.document import Source
from processor.extraction.paging import Block
from processor.extraction.rtf_groups import plain_groups
from processor.extraction.text import BlockDocument
from processor.stages.errors import DecompressionLimitError, UnreadableDocumentError

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
    text = rtf_text(data)
    return BlockDocument("striprtf", lambda: _blocks(text), _facts(data[:_HEAD]))


def rtf_text(data: bytes) -> str:
    """Return the text of RTF, with form feeds between pages. Raises UnreadableDocumentError."""
    encoding = _encoding(data)
    return _text(plain_groups(data).decode(encoding, "replace"), encoding)


def rtf_blocks(data: bytes) -> Iterator[Block]:
    """Yield the text of RTF inside of something else. Raises UnreadableDocumentError."""
    yield from _blocks(rtf_text(data))


def _text(code: str, encoding: str) -> str:
    try:
        text = rtf_to_text(code, encoding=encoding, errors="replace")  # type: ignore[no-untyped-call]
        # Characters beyond the first 65,536 are written as two halves.
        return str(text).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    except _DAMAGED as error:
        raise UnreadableDocumentError(f"The RTF file is damaged: {error}."[:500]) from error


def _encoding(data: bytes) -> str:
    found = _CODE_PAGE.search(data, 0, _HEAD)
    name = f"cp{found.group(1).decode()}" if found else "cp1252"
    try:
        return codecs.lookup(name).name
    except LookupError:
        return "cp1252"


def _facts(head: bytes) -> dict[str, Any]:
    encoding = _encoding(head)
    facts: dict[str, Any] = {"encoding": encoding}
    for name, value in _INFO.findall(head.decode(encoding, "replace")):
        facts["description" if name == "doccomm" else name] = _text(
            "{\\rtf1 " + value + "}", encoding
        ).strip()
    return clean_metadata(facts)


def _blocks(text: str) -> Iterator[Block]:
    for number, page in enumerate(text.split("\f")):
        for index, line in enumerate(page.splitlines(keepends=True)):
            yield Block(line, starts_page=number > 0 and index == 0)
