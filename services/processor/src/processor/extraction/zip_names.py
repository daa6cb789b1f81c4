"""Names in ZIP archives that do not say which encoding they are in: most old ones, and of macOS."""

from typing import Final
from zipfile import ZipInfo

from processor.extraction.guessing import guess

_SAYS_UTF8: Final = 0x800
_STANDARD: Final = "cp437"
_OTHERS: Final = frozenset(
    {"cp932", "gb18030", "big5", "big5hkscs", "cp949", "euc_jp", "euc_kr", "cp866", "cp1125"}
    | {"cp1251", "koi8_r"}
)
"""Where few letters are ASCII, so that a name is enough to tell them. In Latin ones it is not."""
_OTHERS_SHARE: Final = 0.25
_OTHERS_LEAST: Final = 4
"""Letters beyond ASCII: fewer are as likely the initials of something Latin."""


def names_of(members: list[ZipInfo]) -> list[str]:
    """Return the name of each: UTF-8 where its bytes are, else by all of them together.

    What can not be told is in code page 437, as the standard has it.
    """
    unsaid = [_bytes_of(info) for info in members]
    codec = _codec_of(b"\n".join(name for name in unsaid if name and not _is_utf8(name)))
    return [
        info.filename if name is None else _text(name, codec)
        for info, name in zip(members, unsaid, strict=True)
    ]


def _bytes_of(info: ZipInfo) -> bytes | None:
    """Return the name as it is stored; None where it is known what that means."""
    plain = info.orig_filename.partition("\0")[0]
    # Some archives say the name a second time, and newer versions of zipfile believe that.
    is_known = info.flag_bits & _SAYS_UTF8 or plain.isascii() or plain != info.filename
    return None if is_known else plain.encode(_STANDARD)


def _codec_of(names: bytes) -> str:
    odd = sum(byte > 0x7F for byte in names)  # noqa: PLR2004 - what is ASCII
    if odd < max(_OTHERS_LEAST, len(names) * _OTHERS_SHARE):
        return _STANDARD
    found = guess(names)
    return found if found in _OTHERS else _STANDARD


def _text(name: bytes, codec: str) -> str:
    return name.decode("utf-8" if _is_utf8(name) else codec, "replace").replace("\0", "")


def _is_utf8(name: bytes) -> bool:
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True
