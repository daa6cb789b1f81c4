"""PNG and JPEG: one page without text, its metadata, and a thumbnail the right way up."""

from collections.abc import Iterator
from typing import Any, Final

from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from docyard_common.artifacts import Page
from processor.extraction.cleaning import clean_metadata
from processor.extraction.document import Source
from processor.extraction.thumbnails import THUMBNAIL_PIXELS, encode_thumbnail
from processor.stages.errors import DecompressionLimitError, UnreadableDocumentError

_SIDEWAYS: Final = frozenset({5, 6, 7, 8})  # EXIF orientations that swap width and height
# What Pillow raises for damaged files; SyntaxError is its word for a broken PNG chunk.
_DAMAGED: Final = (OSError, SyntaxError, ValueError, IndexError, KeyError, TypeError, EOFError)


class ImageDocument:
    """A picture whose header was read; pixels are decoded only for the thumbnail."""

    extractor = "pillow"
    page_count = 1

    def __init__(self, picture: Image.Image) -> None:
        self._picture = picture
        self._exif = _read_exif(picture)

    def pages(self, first: int) -> Iterator[Page]:
        if first == 1:
            width, height = self._picture.size
            if self._exif.get("Orientation") in _SIDEWAYS:
                width, height = height, width
            yield Page(number=1, text="", width=width, height=height)

    def metadata(self) -> dict[str, Any]:
        picture = self._picture
        facts: dict[str, Any] = {
            "format": picture.format,
            "mode": picture.mode,
            "width": picture.width,
            "height": picture.height,
            "exif": self._exif or None,
            "comment": picture.info.get("comment"),
            "dpi": picture.info.get("dpi"),
        }
        return clean_metadata(facts)

    def thumbnail(self) -> bytes | None:
        try:
            # JPEG can be decoded at a fraction of its size.
            self._picture.draft("RGB", (THUMBNAIL_PIXELS * 2, THUMBNAIL_PIXELS * 2))
            return encode_thumbnail(ImageOps.exif_transpose(self._picture))
        except _DAMAGED as error:
            raise UnreadableDocumentError(f"The picture can not be decoded: {error}.") from error

    def close(self) -> None:
        self._picture.close()


def open_image(source: Source) -> ImageDocument:
    """Read the header. Raises UnreadableDocumentError or DecompressionLimitError."""
    # Our own limit stands in front of decoding, with a reason of its own.
    Image.MAX_IMAGE_PIXELS = None
    try:
        picture = Image.open(source.path, formats=("PNG", "JPEG"))
    except UnidentifiedImageError as error:
        raise UnreadableDocumentError("The file is no picture that can be read.") from error
    except _DAMAGED as error:
        raise UnreadableDocumentError(f"The picture is damaged: {error}.") from error
    if picture.width * picture.height > source.limits.max_pixels:
        picture.close()
        raise DecompressionLimitError(
            f"The picture has {picture.width} x {picture.height} pixels, more than are decoded."
        )
    return ImageDocument(picture)


def _read_exif(picture: Image.Image) -> dict[str, Any]:
    try:
        exif = picture.getexif()
        tags = {ExifTags.TAGS.get(tag, str(tag)): value for tag, value in exif.items()}
        gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    except _DAMAGED:
        return {}
    if gps:
        tags["GPS"] = {ExifTags.GPSTAGS.get(tag, str(tag)): value for tag, value in gps.items()}
    return tags
