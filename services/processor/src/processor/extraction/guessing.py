"""The encoding of bytes that nothing names: by a sample of them, and by statistics."""

import codecs
import re
from pathlib import Path
from typing import Final

from charset_normalizer import from_bytes

from processor.analysis import language

_SAMPLE_BYTES: Final = 64 * 1024
"""What the statistics see; more costs time and changes no verdict."""
_BLOCK_BYTES: Final = 1024 * 1024
_BEFORE: Final = 1024
"""ASCII that a sample has before the first other byte: words there tell the language, too."""
_FALLBACK: Final = "cp1252"
_FEW_BYTES: Final = 256
"""Too few for statistics: with some odd letters among them the most frequent guess is better."""
_BEYOND_ASCII: Final = re.compile(rb"[\x80-\xff]")
_MAYBE_SECOND: Final = bytes(range(0x30, 0x100))
"""In no encoding are lower bytes a later part of a character."""
_LONGEST_CHARACTER: Final = 4
_OF_SEVERAL_BYTES: Final = ("cp932", "gb18030", "big5hkscs", "cp949", "euc_jp")
_DAMAGED_SHARE: Final = 0.1
"""Of what is beyond ASCII: in other encodings hardly anything would be proper UTF-8."""


def guess_of_file(path: Path) -> str:
    """Return a codec for a file that is not all UTF-8: it has bytes beyond ASCII."""
    with path.open("rb") as file:
        position = 0
        while (block := file.read(_BLOCK_BYTES)).isascii() and block:
            position += len(block)
        file.seek(max(0, position + _first_odd(block) - _BEFORE))
        return _by_statistics(_whole(file.read(_SAMPLE_BYTES)))


def guess(data: bytes) -> str:
    """Return a codec for *data*, which is not UTF-8."""
    odd = len(_BEYOND_ASCII.findall(data[:_FEW_BYTES]))
    if len(data) < _FEW_BYTES and odd < len(data) / 4:
        return _FALLBACK
    start = max(0, _first_odd(data) - _BEFORE)
    return _by_statistics(_whole(data[start : start + _SAMPLE_BYTES]))


def _first_odd(data: bytes) -> int:
    found = _BEYOND_ASCII.search(data)
    return found.start() if found else 0


def _whole(sample: bytes) -> bytes:
    """Return *sample* without the character that its end may have cut in half."""
    if len(sample) < _SAMPLE_BYTES:
        return sample
    cut = sample.rstrip(_MAYBE_SECOND)
    if not cut.isascii():
        return cut
    ends = (sample[: len(sample) - less] for less in range(_LONGEST_CHARACTER))
    return max(ends, key=lambda end: sum(_reads(end, codec) for codec in _OF_SEVERAL_BYTES))


def _reads(sample: bytes, codec: str) -> bool:
    try:
        sample.decode(codec)
    except UnicodeError:
        return False
    return True


def _by_statistics(sample: bytes) -> str:
    if _is_nearly_utf8(sample):
        return "utf-8"
    best = from_bytes(sample).best()
    found = best.encoding if best and best.encoding != "ascii" else _FALLBACK
    return max((found, _FALLBACK), key=lambda encoding: _reads_like_language(sample, encoding))


def _is_nearly_utf8(sample: bytes) -> bool:
    # Not final: the sample may end within a character.
    text = codecs.getincrementaldecoder("utf-8")("replace").decode(sample)
    odd, damaged = sum(not letter.isascii() for letter in text), text.count("\ufffd")
    return damaged < odd * _DAMAGED_SHARE


def _reads_like_language(sample: bytes, encoding: str) -> float:
    """Tell neighbours like cp1250 and cp1252 apart: in the wrong one words look foreign."""
    return language.detect(sample.decode(encoding, errors="replace"))[1]
