"""Document types: which ones are taken, and how a file is recognised as one of them."""

from docyard_common.media_types.errors import (
    EmptyFileError,
    TypeMismatchError,
    UnsupportedTypeError,
)
from docyard_common.media_types.formats import CONTAINERS, FORMATS, Format, MediaType
from docyard_common.media_types.sniffing import HEAD_BYTES, extension, foresee, sniff

__all__ = [
    "CONTAINERS",
    "FORMATS",
    "HEAD_BYTES",
    "EmptyFileError",
    "Format",
    "MediaType",
    "TypeMismatchError",
    "UnsupportedTypeError",
    "extension",
    "foresee",
    "sniff",
]
