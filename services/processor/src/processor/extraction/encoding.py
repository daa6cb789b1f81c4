"""Which encoding a text file is in: marks first, then strict UTF-8, then statistics."""

import codecs
import re
from contextlib import suppress
from pathlib import Path
from typing import Final

from docyard_common.signatures import wide_encoding
from processor.extraction.charsets import codecs_of, decode_shifted, shifts
from processor.extraction.guessing import guess, guess_of_file

_HEAD_BYTES: Final = 64 * 1024
_MARKS: Final = (
    # UTF-32 first: its mark begins with that of UTF-16.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)
_HTML_META: Final = re.compile(
    rb"<meta[^>]{0,1000}?charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE
)
_XML_DECLARATION: Final = re.compile(rb"\A\s*<\?xml\s[^>]{0,1000}?encoding\s*=\s*[\"']([\w.:-]+)")
_PRESCAN_BYTES: Final = 4096  # the standard asks for 1,024; saved pages often have more before


def detect_encoding(path: Path) -> str:
    """Return a Python codec name; decoding with `errors="replace"` then always works."""
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    marked = _marked(head) or wide_encoding(head)
    if marked:
        return marked
    return "utf-8" if _is_utf8(path) else guess_of_file(path)


def detect_html_encoding(path: Path) -> str:
    """Return a codec name by the rules of HTML: mark, then `<meta>`, then as for text."""
    return _declared(path, _HTML_META)


def detect_xml_encoding(path: Path) -> str:
    """Return a codec name for XML: mark, then what it declares, then as for text."""
    return _declared(path, _XML_DECLARATION)


def _declared(path: Path, declaration: re.Pattern[bytes]) -> str:
    with path.open("rb") as file:
        head = file.read(_PRESCAN_BYTES)
    if _marked(head) or wide_encoding(head):
        return detect_encoding(path)
    found = declaration.search(head)
    declared = codecs_of(found.group(1).decode("ascii")) if found else ()
    if declared[:1] == ("utf-8",) and not _is_utf8(path):
        declared = declared[1:]
    return declared[0] if declared else detect_encoding(path)


def decode(data: bytes, declared: str | None, *, html: bool = False) -> str:
    """Return *data* as text, believing *declared* only where it fits; never raises."""
    found = _HTML_META.search(data[:_PRESCAN_BYTES]) if html else None
    labels = (declared, found and found.group(1).decode("ascii"), "utf-8")
    if encoding := _marked(data):
        return data.decode(encoding, errors="replace")
    for codec in (codec for label in labels if label for codec in codecs_of(label)):
        with suppress(UnicodeError):
            return data.decode(codec)
        # Bytes of seven bits are always UTF-8, too.
        if shifts(data, codec):
            return decode_shifted(data, codec)
    return data.decode(guess(data), errors="replace")


def _marked(head: bytes) -> str | None:
    return next((name for mark, name in _MARKS if head.startswith(mark)), None)


def _is_utf8(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as file:
            while block := file.read(1024 * 1024):
                decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
