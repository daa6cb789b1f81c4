"""Labels of charsets as mail and pages write them, and the codecs that read what they mean."""

import codecs
import re
from contextlib import suppress
from typing import Final

import webencodings

_WEB_CODECS: Final = {
    # Decoders of browsers read all that writers of the smaller encoding have (WHATWG, 4.3).
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc-kr": "cp949",
    "big5": "big5hkscs",
    # A page whose bytes could be searched for this label is in no wide encoding.
    "utf-16le": "utf-8",
    "utf-16be": "utf-8",
}
_WEB_REFUSES: Final = frozenset({"replacement", "x-user-defined"})
"""What browsers refuse to read, such as HZ, and bytes that are no letters."""
_CODE_PAGE: Final = re.compile(r"(?:x-)?(?:windows|ibm|cp)[-_]?(\d{1,5})", re.IGNORECASE)
_NO_CHARSETS: Final = frozenset(
    {"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"}
)
"""What Python counts among text encodings, too: ways to write text, and one that always fails."""
_SHIFTS: Final = {"hz": b"~{", "iso2022_": b"\x1b"}
"""Families of codecs of seven bits, and what other letters begin with there."""
_JIS_ESCAPE: Final = re.compile(rb"\x1b(\$[@B]|\([BIJ])")
_JIS_PAIR: Final = re.compile(rb"[\x21-\x7e]{2}")
_HALF_WIDTH: Final = bytes(byte | 0x80 if 0x21 <= byte < 0x60 else byte for byte in range(256))  # noqa: PLR2004


def codecs_of(label: str) -> tuple[str, ...]:
    """Return the codecs to try for what is labelled so, best first; none for unknown labels."""
    python = _codec(label)
    # Programs that think of no charset say so, whatever they send.
    if python and python.name == "ascii":
        return ("utf-8", "cp1252")
    spelled = python.name.replace("_", "-") if python else label
    found = _web_codec(label) or _web_codec(spelled) or python
    # Python also has codecs that are no text encodings, such as "zip" or "rot13".
    if not found or not found._is_text_encoding or found.name in _NO_CHARSETS:  # noqa: SLF001 - no public way to ask
        return ()
    return (found.name,)


def _codec(label: str) -> codecs.CodecInfo | None:
    """Return Python's codec for *label*; code pages have more names than Python knows."""
    page = _CODE_PAGE.fullmatch(label)
    for name in (label, page and f"cp{page.group(1)}"):
        with suppress(LookupError, ValueError):
            if name:
                return codecs.lookup(name)
    return None


def _web_codec(label: str) -> codecs.CodecInfo | None:
    """Return what browsers read *label* by: often a superset of what it names."""
    try:
        found = webencodings.lookup(label)
    except ValueError:
        return None
    if found is None or found.name in _WEB_REFUSES:
        return None
    return codecs.lookup(_WEB_CODECS[found.name]) if found.name in _WEB_CODECS else found.codec_info


def shifts(data: bytes, codec: str) -> bool:
    """Whether *data* has the shifts of *codec*, as other encodings do not."""
    return any(codec.startswith(name) and mark in data for name, mark in _SHIFTS.items())


def decode_shifted(data: bytes, codec: str) -> str:
    """Return what *codec* has shifts for, although it does not read all of *data*; never raises."""
    if codec.startswith("iso2022_jp"):
        return _japanese(data)
    return data.decode(codec, errors="replace")


def _japanese(data: bytes) -> str:
    """Read ISO-2022-JP as Windows writes it: with characters of NEC and half-width kana."""
    plain, *shifted = _JIS_ESCAPE.split(data)
    runs = zip(shifted[::2], shifted[1::2], strict=True)
    return b"".join([plain, *(_as_cp932(*run) for run in runs)]).decode("cp932", "replace")


def _as_cp932(letters: bytes, run: bytes) -> bytes:
    # A line ends in ASCII, even where nobody has shifted back.
    line, end, rest = run.partition(b"\n")
    if letters == b"(I":
        line = line.translate(_HALF_WIDTH)
    elif letters.startswith(b"$"):
        line = _JIS_PAIR.sub(_shift_jis, line)
    return line + end + rest


def _shift_jis(pair: re.Match[bytes]) -> bytes:
    row, cell = pair[0]
    first = (row + 1) // 2 + (0x70 if row < 0x5F else 0xB0)  # noqa: PLR2004 - rows of Shift-JIS
    if row % 2 == 0:
        return bytes((first, cell + 0x7E))
    return bytes((first, cell + (0x1F if cell < 0x60 else 0x20)))  # noqa: PLR2004 - leaves out DEL
