"""Labels of charsets as mail and pages write them, and the codecs that read what they mean."""

import codecs
import re
from typing import Final

_WEB_LABELS: Final = {
    # Labels that browsers read as a superset (WHATWG Encoding, 4.2).
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "iso-8859-9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "sjis": "cp932",
    "x-sjis": "cp932",
    "windows-31j": "cp932",
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
    try:
        found = codecs.lookup(_WEB_LABELS.get(label.lower(), label))
    except (LookupError, ValueError):
        return ()
    # Python also has codecs that are no text encodings, such as "zip" or "rot13".
    if not found._is_text_encoding or found.name in _NO_CHARSETS:  # noqa: SLF001 - no public way to ask
        return ()
    # Programs that think of no charset say so, whatever they send.
    return ("utf-8", "cp1252") if found.name == "ascii" else (found.name,)


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
