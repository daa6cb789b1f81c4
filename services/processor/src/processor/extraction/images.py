"""Pictures: a page each, or one per frame of a TIFF; metadata, and a thumbnail the right way up."""

from collections.abc import Iterator
from typing import Any, Final

from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from docyard_common.artifacts import Page, PageError
from docyard_common.media_types import MediaType
from processor.extraction.cleaning import clean, clean_metadata
from processor.extraction.document import Source
from processor.extraction.ocr import Recognised
from processor.extraction.thumbnails import THUMBNAIL_PIXELS, encode_thumbnail
from processor.stages.errors import (
    DecompressionLimitError,
    DocumentTooLargeError,
    UnreadableDocumentError,
)

_FORMATS: Final = {
    MediaType.PNG: ("PNG",),
    MediaType.JPEG: ("JPEG",),
    MediaType.GIF: ("GIF",),
    MediaType.TIFF: ("TIFF",),
    MediaType.WEBP: ("WEBP",),
    MediaType.BMP: ("BMP", "DIB"),
}
_SIDEWAYS: Final = frozenset({5, 6, 7, 8})  # EXIF orientations that swap width and height
# What Pillow raises for damaged files; SyntaxError is its word for a broken PNG chunk.
_DAMAGED: Final = (
    OSError,
    SyntaxError,
    ValueError,
    IndexError,
    KeyError,
    TypeError,
    EOFError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
)


class ImageDocument:
    """A picture whose header was read; pixels are decoded only when they are looked at."""

    extractor = "pillow"

    def __init__(self, picture: Image.Image, source: Source) -> None:
        self._picture = picture
        self._limits = source.limits
        self._reading = source.reading
        self._ocr = source.reading.recogniser(source.limits.ocr_seconds)
        self._exif = _read_exif(picture)
        self._frames = _frames(picture)
        # Frames of an animation are one picture that moves; those of a TIFF are pages of a fax.
        self.page_count = self._frames if source.media_type is MediaType.TIFF else 1
        if self.page_count > self._limits.max_pages:
            raise DocumentTooLargeError(f"The picture has {self.page_count} pages.")

    def pages(self, first: int) -> Iterator[Page | PageError]:
        for number in range(first, self.page_count + 1):
            try:
                yield self._page(number)
            except (DecompressionLimitError, *_DAMAGED) as error:
                yield PageError(number=number, message=f"The frame can not be read: {error}")

    def metadata(self) -> dict[str, Any]:
        self._picture.seek(0)
        picture = self._picture
        facts: dict[str, Any] = {
            "format": picture.format,
            "mode": picture.mode,
            "width": picture.width,
            "height": picture.height,
            "frames": self._frames if self._frames > 1 else None,
            "exif": self._exif or None,
            "comment": picture.info.get("comment"),
            "dpi": picture.info.get("dpi"),
            "ocr": self._ocr.facts if self._ocr else None,
        }
        return clean_metadata(facts)

    def thumbnail(self) -> bytes | None:
        try:
            self._picture.seek(0)
            # JPEG can be decoded at a fraction of its size.
            self._picture.draft("RGB", (THUMBNAIL_PIXELS * 2, THUMBNAIL_PIXELS * 2))
            return encode_thumbnail(ImageOps.exif_transpose(self._picture))
        except _DAMAGED as error:
            raise UnreadableDocumentError(f"The picture can not be decoded: {error}.") from error

    def close(self) -> None:
        self._picture.close()

    def _page(self, number: int) -> Page:
        if number > 1:
            self._picture.seek(number - 1)
            _require_pixels(self._picture, self._limits.max_pixels)
        width, height = self._picture.size
        if _read_exif(self._picture).get("Orientation") in _SIDEWAYS:
            width, height = height, width
        seen = self._seen()
        return Page(
            number=number,
            text=clean(seen.text) if seen else "",
            width=width,
            height=height,
            words=seen.words if seen and self._reading.words else None,
        )

    def _seen(self) -> Recognised | None:
        """Look at the frame; one that can not be looked at is a page without text."""
        try:
            return self._ocr.read(ImageOps.exif_transpose(self._picture)) if self._ocr else None
        except _DAMAGED:
            return None


def open_image(source: Source) -> ImageDocument:
    """Read the header. Raises UnreadableDocumentError, DecompressionLimitError and their like."""
    # Our own limit stands in front of decoding, with a reason of its own.
    Image.MAX_IMAGE_PIXELS = None
    try:
        picture = Image.open(source.path, formats=_FORMATS[source.media_type])
    except UnidentifiedImageError as error:
        raise UnreadableDocumentError("The file is no picture that can be read.") from error
    except _DAMAGED as error:
        raise UnreadableDocumentError(f"The picture is damaged: {error}.") from error
    try:
        _require_pixels(picture, source.limits.max_pixels)
        return ImageDocument(picture, source)
    except (DecompressionLimitError, DocumentTooLargeError):
        picture.close()
        raise


def _require_pixels(picture: Image.Image, most: int) -> None:
    if picture.width * picture.height > most:
        raise DecompressionLimitError(
            f"The picture has {picture.width} x {picture.height} pixels, more than are decoded."
        )


def _frames(picture: Image.Image) -> int:
    """Count frames; the first one is there in any case."""
    try:
        return int(getattr(picture, "n_frames", 1))
    except _DAMAGED:
        return 1


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
