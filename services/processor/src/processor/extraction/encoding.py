"""Which encoding a text file is in: marks first, then strict UTF-8, then statistics."""

import codecs
import re
from pathlib import Path
from typing import Final

from charset_normalizer import from_bytes

from docyard_common.signatures import wide_encoding
from processor.analysis import language

_SAMPLE_BYTES: Final = 64 * 1024
"""What the statistics see; more costs time and changes no verdict."""
_FALLBACK: Final = "cp1252"
_FEW_BYTES: Final = 256
"""Too few for statistics: with some odd letters among them the most frequent guess is better."""
_ASCII_LAST: Final = 0x7F
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
_HTML_PRESCAN_BYTES: Final = 4096  # the standard asks for 1,024; saved pages often have more before
_WEB_LABELS: Final = {
    # Labels that browsers read as a superset (WHATWG Encoding, 4.2).
    "ascii": "cp1252",
    "us-ascii": "cp1252",
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "iso-8859-9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "sjis": "cp932",
    "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949",
    "big5": "big5hkscs",
    "tis-620": "cp874",
    "iso-8859-11": "cp874",
    # A page whose bytes could be searched for this label is in no wide encoding.
    "utf-16": "utf-8",
    "utf-16le": "utf-8",
    "utf-16be": "utf-8",
}


def detect_encoding(path: Path) -> str:
    """Return a Python codec name; decoding with `errors="replace"` then always works."""
    with path.open("rb") as file:
        sample = file.read(_SAMPLE_BYTES)
    marked = _marked(sample) or wide_encoding(sample)
    if marked:
        return marked
    return "utf-8" if _is_utf8(path) else _by_statistics(sample)


def detect_html_encoding(path: Path) -> str:
    """Return a codec name by the rules of HTML: mark, then `<meta>`, then as for text."""
    with path.open("rb") as file:
        head = file.read(_HTML_PRESCAN_BYTES)
    if _marked(head) or wide_encoding(head):
        return detect_encoding(path)
    found = _HTML_META.search(head)
    declared = _codec(found.group(1).decode("ascii")) if found else None
    if declared == "utf-8" and not _is_utf8(path):
        return detect_encoding(path)
    return declared or detect_encoding(path)


def decode(data: bytes, declared: str | None, *, html: bool = False) -> str:
    """Return *data* as text, believing *declared* only where it fits; never raises."""
    found = _HTML_META.search(data[:_HTML_PRESCAN_BYTES]) if html else None
    labels = (declared, found and found.group(1).decode("ascii"), "utf-8")
    if encoding := _marked(data):
        return data.decode(encoding, errors="replace")
    for codec in (_codec(label) for label in labels if label):
        try:
            if codec is not None:
                return data.decode(codec)
        except UnicodeError:
            continue
    few = len(data) < _FEW_BYTES and sum(byte > _ASCII_LAST for byte in data) < len(data) / 4
    guess = _FALLBACK if few else _by_statistics(data[:_SAMPLE_BYTES])
    return data.decode(guess, errors="replace")


def _marked(head: bytes) -> str | None:
    return next((name for mark, name in _MARKS if head.startswith(mark)), None)


def _codec(label: str) -> str | None:
    name = _WEB_LABELS.get(label.lower(), label)
    try:
        found = codecs.lookup(name)
    except LookupError:
        return None
    # Python also has codecs that are no text encodings, such as "zip" or "rot13".
    return found.name if found._is_text_encoding else None  # noqa: SLF001 - no public way to ask


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


def _by_statistics(sample: bytes) -> str:
    best = from_bytes(sample).best()
    guess = best.encoding if best else _FALLBACK
    return max((guess, _FALLBACK), key=lambda encoding: _reads_like_language(sample, encoding))


def _reads_like_language(sample: bytes, encoding: str) -> float:
    """Tell neighbours like cp1250 and cp1252 apart: in the wrong one words look foreign."""
    return language.detect(sample.decode(encoding, errors="replace"))[1]
