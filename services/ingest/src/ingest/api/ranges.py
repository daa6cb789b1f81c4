"""HTTP ranges (RFC 9110, 14): one range of bytes; everything else is answered whole."""

import re
from typing import Final

from ingest.errors import RangeInvalidError

_ONE_RANGE: Final = re.compile(r"bytes=(\d{0,19})-(\d{0,19})")


def byte_range(header: str | None, *, size_bytes: int) -> tuple[int, int] | None:
    """Return offset and length that a `Range` header asks for; None where the whole is answered.

    Raises RangeInvalidError for a range that begins behind the end.
    """
    asked = _ONE_RANGE.fullmatch((header or "").strip())
    if asked is None or asked.group(0) == "bytes=-":
        return None
    first, last = asked.groups()
    if not first:
        length = min(int(last), size_bytes)
        offset = size_bytes - length
    else:
        offset = int(first)
        end = min(int(last), size_bytes - 1) if last else size_bytes - 1
        length = end - offset + 1
        if last and int(last) < offset:
            return None
    if length <= 0 or offset >= size_bytes:
        raise RangeInvalidError(
            "The range begins behind the end of the file.", size_bytes=size_bytes
        )
    return offset, length


def content_disposition(filename: str) -> str:
    """Return the header of RFC 6266 that saves under *filename*, in any script."""
    plain = "".join(c if " " <= c <= "~" and c not in '"\\%' else "_" for c in filename)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{_percent(filename)}"


_ATTR_CHARS: Final = frozenset(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$&+-.^_`|~"
)


def _percent(text: str) -> str:
    return "".join(chr(b) if b in _ATTR_CHARS else f"%{b:02X}" for b in text.encode())
