"""The one table of document types that Docyard takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class MediaType(StrEnum):
    """A type that is taken; the value is its registered name."""

    PDF = "application/pdf"
    TEXT = "text/plain"
    MARKDOWN = "text/markdown"
    HTML = "text/html"
    CSV = "text/csv"
    TSV = "text/tab-separated-values"
    JSON = "application/json"
    NDJSON = "application/x-ndjson"
    EML = "message/rfc822"
    MSG = "application/vnd.ms-outlook"
    ZIP = "application/zip"
    TAR = "application/x-tar"
    GZIP = "application/gzip"
    BZIP2 = "application/x-bzip2"
    XZ = "application/x-xz"
    ZSTD = "application/zstd"
    PNG = "image/png"
    JPEG = "image/jpeg"
    GIF = "image/gif"
    TIFF = "image/tiff"
    WEBP = "image/webp"
    BMP = "image/bmp"
    DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
    ODT = "application/vnd.oasis.opendocument.text"
    ODS = "application/vnd.oasis.opendocument.spreadsheet"
    ODP = "application/vnd.oasis.opendocument.presentation"
    EPUB = "application/epub+zip"
    RTF = "application/rtf"
    XML = "application/xml"

    @property
    def is_text(self) -> bool:
        """Whether the bytes are characters in some encoding, without a signature of their own."""
        return FORMATS[self].container is None


@dataclass(frozen=True)
class Format:
    """What is known of a type before a file is opened."""

    extensions: tuple[str, ...]  # lower case, without the dot
    aliases: tuple[str, ...] = ()  # other names that clients declare for it
    container: str | None = None  # what `signature` calls the first bytes; None for text


_ZIP_NAMES: Final = ("application/zip", "application/x-zip-compressed", "application/x-zip")
_PACKED: Final = (
    "application/tar",
    "application/x-gtar",
    "application/x-tar",
    "application/x-gzip",
    "application/x-compressed-tar",
    "application/x-bzip",
    "application/x-bzip-compressed-tar",
    "application/x-xz-compressed-tar",
    "application/x-zstd",
    "application/x-zstd-compressed-tar",
)

FORMATS: Final[Mapping[MediaType, Format]] = MappingProxyType(
    {
        MediaType.PDF: Format(("pdf",), ("application/x-pdf",), "pdf"),
        MediaType.TEXT: Format(("txt", "text", "log"), ()),
        MediaType.MARKDOWN: Format(("md", "markdown"), ()),
        MediaType.HTML: Format(("html", "htm", "xhtml"), ("application/xhtml+xml",)),
        # Windows with Excel installed makes browsers declare CSV as a spreadsheet.
        MediaType.CSV: Format(("csv",), ("application/csv", "application/vnd.ms-excel")),
        MediaType.TSV: Format(("tsv", "tab"), ("application/vnd.ms-excel",)),
        MediaType.JSON: Format(("json",), ()),
        MediaType.NDJSON: Format(("ndjson", "jsonl"), ("application/jsonl", "application/ndjson")),
        MediaType.EML: Format(("eml",), ("application/eml",)),
        MediaType.MSG: Format(("msg",), ("application/x-msg", "application/vnd.ms-office"), "ole"),
        MediaType.ZIP: Format(("zip",), _ZIP_NAMES, "zip"),
        MediaType.TAR: Format(("tar",), _PACKED, "tar"),
        MediaType.GZIP: Format(("gz", "tgz"), _PACKED, "gzip"),
        MediaType.BZIP2: Format(("bz2", "tbz2", "tbz"), _PACKED, "bzip2"),
        MediaType.XZ: Format(("xz", "txz"), _PACKED, "xz"),
        MediaType.ZSTD: Format(("zst", "tzst"), _PACKED, "zstd"),
        MediaType.PNG: Format(("png",), ("image/x-png", "image/apng"), "png"),
        MediaType.JPEG: Format(
            ("jpg", "jpeg", "jpe", "jfif"), ("image/jpg", "image/pjpeg"), "jpeg"
        ),
        MediaType.GIF: Format(("gif",), (), "gif"),
        MediaType.TIFF: Format(("tif", "tiff"), ("image/tif", "image/x-tiff"), "tiff"),
        MediaType.WEBP: Format(("webp",), (), "webp"),
        MediaType.BMP: Format(
            ("bmp", "dib"), ("image/x-ms-bmp", "image/x-bmp", "image/x-windows-bmp"), "bmp"
        ),
        MediaType.RTF: Format(("rtf",), ("text/rtf", "text/richtext", "application/msword"), "rtf"),
        MediaType.XML: Format(
            ("xml", "xsd", "xsl", "xslt", "rss", "atom"),
            ("application/rss+xml", "application/atom+xml", "application/xslt+xml"),
        ),
        MediaType.EPUB: Format(("epub",), _ZIP_NAMES, "zip"),
        MediaType.ODT: Format(
            ("odt", "ott"),
            ("application/vnd.oasis.opendocument.text-template", *_ZIP_NAMES),
            "zip",
        ),
        MediaType.ODS: Format(
            ("ods", "ots"),
            ("application/vnd.oasis.opendocument.spreadsheet-template", *_ZIP_NAMES),
            "zip",
        ),
        MediaType.ODP: Format(
            ("odp", "otp"),
            ("application/vnd.oasis.opendocument.presentation-template", *_ZIP_NAMES),
            "zip",
        ),
        # Macros are never run, so that a document with them is read like one without.
        MediaType.DOCX: Format(
            ("docx", "docm", "dotx", "dotm"),
            (
                "application/vnd.ms-word.document.macroenabled.12",
                "application/vnd.ms-word.template.macroenabled.12",
                "application/vnd.openxmlformats-officedocument.wordprocessingml.template",
                "application/msword",
                *_ZIP_NAMES,
            ),
            "zip",
        ),
        MediaType.XLSX: Format(
            ("xlsx", "xlsm", "xltx", "xltm"),
            (
                "application/vnd.ms-excel.sheet.macroenabled.12",
                "application/vnd.ms-excel.template.macroenabled.12",
                "application/vnd.openxmlformats-officedocument.spreadsheetml.template",
                "application/vnd.ms-excel",
                *_ZIP_NAMES,
            ),
            "zip",
        ),
        MediaType.PPTX: Format(
            ("pptx", "pptm", "potx", "potm", "ppsx", "ppsm"),
            (
                "application/vnd.ms-powerpoint.presentation.macroenabled.12",
                "application/vnd.ms-powerpoint.template.macroenabled.12",
                "application/vnd.ms-powerpoint.slideshow.macroenabled.12",
                "application/vnd.openxmlformats-officedocument.presentationml.template",
                "application/vnd.openxmlformats-officedocument.presentationml.slideshow",
                "application/vnd.ms-powerpoint",
                *_ZIP_NAMES,
            ),
            "zip",
        ),
    }
)
CONTAINERS: Final = frozenset(
    {
        MediaType.EML,
        MediaType.MSG,
        MediaType.ZIP,
        MediaType.TAR,
        MediaType.GZIP,
        MediaType.BZIP2,
        MediaType.XZ,
        MediaType.ZSTD,
    }
)
"""Types whose documents have other documents inside."""
