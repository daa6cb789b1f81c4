"""Pictures of one pixel whose heads say that they have 50,000 by 50,000."""

import functools
import io
import struct
import zlib
from collections.abc import Callable, Mapping
from typing import Final

from PIL import Image
from tests.hostile.model import TOO_MUCH, UNREADABLE, Hostile

_SIDE: Final = 50_000


def picture(kind: str) -> bytes:
    """Return a picture of one pixel whose head says that it has 50,000 by 50,000."""
    data = io.BytesIO()
    Image.new("RGB", (1, 1)).save(data, kind)
    return _ENLARGE[kind](bytearray(data.getvalue()))


def _png(data: bytearray) -> bytes:
    data[16:24] = struct.pack(">II", _SIDE, _SIDE)
    data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    return bytes(data)


def _jpeg(data: bytearray) -> bytes:
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", _SIDE, _SIDE)
    return bytes(data)


def _gif(data: bytearray) -> bytes:
    data[6:10] = struct.pack("<HH", _SIDE, _SIDE)
    image = data.index(b",", 13)
    data[image + 5 : image + 9] = struct.pack("<HH", _SIDE, _SIDE)
    return bytes(data)


def _bmp(data: bytearray) -> bytes:
    data[18:26] = struct.pack("<ii", _SIDE, _SIDE)
    return bytes(data)


def _tiff(data: bytearray) -> bytes:
    for tag in (256, 257):  # width and height, as one LONG each
        place = data.index(struct.pack("<H", tag), 8)
        data[place + 2 : place + 12] = struct.pack("<HII", 4, 1, _SIDE)
    return bytes(data)


_ENLARGE: Final[Mapping[str, Callable[[bytearray], bytes]]] = {
    "PNG": _png,
    "JPEG": _jpeg,
    "GIF": _gif,
    "BMP": _bmp,
    "TIFF": _tiff,
}


PICTURES: Final = tuple(
    Hostile(f"huge.{kind.lower()}", functools.partial(picture, kind), (TOO_MUCH, UNREADABLE))
    for kind in _ENLARGE
)
