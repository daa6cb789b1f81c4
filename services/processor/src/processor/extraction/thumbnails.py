"""Small pictures of first pages, and pictures of many shades in the 256 that are shown."""

from io import BytesIO
from math import inf
from typing import Final

from PIL import Image

THUMBNAIL_PIXELS: Final = 320
"""Longer edge: sharp in a list on a dense display, and some 10 KB as WebP."""
_SHADES: Final = 256


def in_shown_shades(picture: Image.Image) -> Image.Image:
    """Return a picture of 16 or 32 bits a shade in 8 bits, any other as it is.

    Pillow would cut off what is above 255: nearly everything. 32 bits have no white of their own,
    so the brightest shade is taken for it, and the darkest for black.
    """
    if picture.mode.startswith("I;16"):
        # Of those that differ in the order of their bytes, only the first can be divided.
        wide = picture if picture.mode == "I;16" else picture.convert("I")
        shown = wide.point(lambda shade: shade / _SHADES).convert("L")
    elif picture.mode in {"I", "F"}:
        shown = _stretched(picture).convert("L")
    else:
        return picture
    # One shade of the many would now make its neighbours transparent, too.
    shown.info.pop("transparency", None)
    return shown


def _stretched(picture: Image.Image) -> Image.Image:
    low, high = picture.getextrema()
    assert isinstance(low, int | float)  # noqa: S101 - only pictures of several bands have tuples
    assert isinstance(high, int | float)  # noqa: S101
    if not 0 < high - low < inf:
        return picture
    scale = (_SHADES - 1) / (high - low)
    return picture.point(lambda shade: shade * scale - low * scale)


def encode_thumbnail(picture: Image.Image) -> bytes:
    """Shrink *picture* in place to a thumbnail and return it as WebP."""
    picture.thumbnail((THUMBNAIL_PIXELS, THUMBNAIL_PIXELS))
    picture = in_shown_shades(picture)
    if picture.mode not in {"RGB", "RGBA"}:
        picture = picture.convert("RGBA" if "transparency" in picture.info else "RGB")
    out = BytesIO()
    # Half the time of the default method (4), and one per cent larger.
    picture.save(out, "WEBP", quality=80, method=2)
    return out.getvalue()
