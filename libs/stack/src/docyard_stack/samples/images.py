"""Picture samples: photographs with EXIF, transparency, and one that lies about its size."""

import struct
import zlib
from pathlib import Path
from typing import Final

from PIL import ExifTags, Image, ImageDraw

from docyard_common.errors import FailureReason
from docyard_stack.samples.model import Outcome, Sample

CAMERA: Final = "Docyard Model 1"
"""What the photograph's EXIF data names as the camera."""

_TURNED_RIGHT: Final = 6  # EXIF orientation: the picture must be turned by 90 degrees to be seen
_BOMB_PIXELS: Final = 50_000


def photograph(path: Path) -> Sample:
    """Write a JPEG of 640 by 480 pixels whose EXIF orientation makes it 480 by 640 to a viewer."""
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Docyard"
    exif[ExifTags.Base.Model] = CAMERA
    exif[ExifTags.Base.Orientation] = _TURNED_RIGHT
    exif[ExifTags.Base.DateTime] = "2026:03:14 09:26:53"
    _quay((640, 480), "RGB").save(path, "JPEG", quality=85, exif=exif)
    return Sample(path, "image/jpeg", page_count=1)


def drawing(path: Path) -> Sample:
    """Write a PNG with an alpha channel."""
    _quay((320, 200), "RGBA").save(path, "PNG")
    return Sample(path, "image/png", page_count=1)


def fax(path: Path, *, pages: int = 3) -> Sample:
    """Write a TIFF with a page per frame, in black and white."""
    first, *rest = [_quay((160 + 10 * number, 100), "RGB").convert("1") for number in range(pages)]
    first.save(path, "TIFF", save_all=True, append_images=rest, compression="group4")
    return Sample(path, "image/tiff", page_count=pages)


def animation(path: Path) -> Sample:
    """Write a GIF or WebP, by the name, of three frames: one picture that moves."""
    first, *rest = [_quay((120 + number, 80), "RGB").resize((120, 80)) for number in range(3)]
    first.save(path, save_all=True, append_images=rest)
    return Sample(path, f"image/{path.suffix[1:]}", page_count=1)


def bitmap(path: Path) -> Sample:
    """Write a BMP."""
    _quay((64, 48), "RGB").save(path, "BMP")
    return Sample(path, "image/bmp", page_count=1)


def pixel_bomb(path: Path) -> Sample:
    """Write a PNG of some hundred bytes that declares 2.5 thousand million pixels."""
    header = struct.pack(">IIBBBBB", _BOMB_PIXELS, _BOMB_PIXELS, 8, 2, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(bytes(4_096)))
        + _chunk(b"IEND", b"")
    )
    return Sample(path, "image/png", Outcome.FAILED, FailureReason.DECOMPRESSION_LIMIT)


def truncated_png(path: Path) -> Sample:
    """Write a PNG whose picture data never arrived."""
    drawing(path)
    path.write_bytes(path.read_bytes()[:60])
    return Sample(path, "image/png", Outcome.FAILED, FailureReason.UNREADABLE_DOCUMENT)


def _quay(size: tuple[int, int], mode: str) -> Image.Image:
    picture = Image.new(mode, size, color="lightsteelblue")
    draw = ImageDraw.Draw(picture)
    width, height = size
    draw.rectangle((0, height * 2 // 3, width, height), fill="steelblue")
    for index in range(6):
        left = 20 + index * width // 7
        draw.rectangle((left, height // 2, left + width // 9, height * 2 // 3), fill="firebrick")
    return picture


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
