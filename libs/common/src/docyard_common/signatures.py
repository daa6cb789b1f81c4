"""First bytes of formats, and the test whether bytes are text at all.

A signature alone is weak evidence where it is short ("BM" opens a bitmap and "BMW to make ..."),
so short ones are believed only together with the structure that follows.
"""

import codecs
import re
import struct
from typing import Final

_SIGNATURES: Final[tuple[tuple[bytes, str], ...]] = (
    (b"%PDF-", "pdf"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"PK\x07\x08", "zip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
    (b"{\\rtf", "rtf"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"II+\x00", "tiff"),
    (b"MM\x00+", "tiff"),
    (b"\x00\x00\x01\x00", "ico"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\x7fELF", "elf"),
    (b"OggS", "ogg"),
    (b"fLaC", "flac"),
    (b"SQLite format 3\x00", "sqlite"),
    (b"wOFF", "woff"),
    (b"wOF2", "woff"),
)
_ZIP_MEMBER: Final = re.compile(rb"PK\x03\x04(?=.{26})", re.DOTALL)
_OFFICE: Final = "application/vnd.openxmlformats-officedocument."
_OFFICE_FOLDERS: Final = (
    (b"word/", _OFFICE + "wordprocessingml.document"),
    (b"xl/", _OFFICE + "spreadsheetml.sheet"),
    (b"ppt/", _OFFICE + "presentationml.presentation"),
)
_RIFF: Final = {b"WEBP": "webp", b"WAVE": "riff", b"AVI ": "riff"}
_TAR_BLOCK: Final = 512
_BITMAP_HEADER_SIZES: Final = frozenset({12, 16, 40, 52, 56, 64, 108, 124})
_BOMS: Final = (
    codecs.BOM_UTF8,
    codecs.BOM_UTF32_LE,
    codecs.BOM_UTF32_BE,
    codecs.BOM_UTF16_LE,
    codecs.BOM_UTF16_BE,
)
_CONTROL: Final = bytes(set(range(32)) - {*b"\t\n\v\f\r\x1b"})
_MAX_CONTROL_SHARE: Final = 0.05
"""Random bytes have 0.1; EBCDIC text, whose line ends are control bytes here, stays below 0.03."""
_WIDE_ZERO_SHARE: Final = 0.7
"""Share of zero high bytes that tells UTF-16 without a mark from binary data."""


def signature(head: bytes) -> str | None:
    """Return the short name of the format that the first bytes open; None for text and unknowns."""
    for signature, name in _SIGNATURES:
        if head.startswith(signature) and _is_credible(head, name):
            return name
    if head[:4] == b"RIFF" and head[8:12] in _RIFF:
        return _RIFF[head[8:12]]
    if head[4:8] == b"ftyp":
        return "iso-media"
    if head[:2] == b"BM" and _is_bitmap(head):
        return "bmp"
    if head[:3] == b"ID3" and b"\x00" in head[:16]:
        return "mp3"
    return "tar" if is_tar(head) else None


def kind_in_zip(head: bytes) -> str | None:
    """Return the media type that the first members of a ZIP file give away; None where they do not.

    OpenDocument and EPUB begin with a member `mimetype` that holds it; Office documents are told
    by the folder of their main part. The whole file may still prove the head wrong.
    """
    for found in _ZIP_MEMBER.finditer(head):
        name_length, extra_length = struct.unpack_from("<HH", head, found.start() + 26)
        start = found.start() + 30
        name = head[start : start + name_length].replace(b"\\", b"/").lower()
        if name == b"mimetype" and found.start() == 0:
            begin = start + name_length + extra_length
            method, size = struct.unpack_from("<8xH8xI", head)
            # Some writers compress it, or tell its size only afterwards.
            if method != 0 or size == 0:
                return None
            content = head[begin : begin + size].strip()
            return content.decode("ascii", "replace").removesuffix("-template")
        for folder, kind in _OFFICE_FOLDERS:
            if name.startswith(folder):
                return kind
    return None


def looks_like_text(head: bytes, *, torn: bool = False) -> bool:
    """Whether the bytes can be characters in some encoding, as opposed to machine data.

    Of what is known to be text by its name, a few zeros are forgiven (*torn*): logs that a crash
    has torn have them, and exports of databases.
    """
    if head.startswith(_BOMS) or wide_encoding(head) is not None:
        return True
    if b"\x00" in head and not torn:
        return False
    controls = len(head) - len(head.translate(None, _CONTROL))
    return controls < len(head) and controls <= max(torn, len(head) * _MAX_CONTROL_SHARE)


def wide_encoding(head: bytes) -> str | None:
    """Return the UTF-16 that bytes without a byte order mark are in; None where they are not."""
    pairs = len(head) // 2
    if pairs < 2:  # noqa: PLR2004 - one pair proves nothing
        return None
    first_zeros = head[0 : pairs * 2 : 2].count(0) / pairs
    second_zeros = head[1 : pairs * 2 : 2].count(0) / pairs
    if second_zeros >= _WIDE_ZERO_SHARE and first_zeros == 0:
        return "utf-16-le"
    return "utf-16-be" if first_zeros >= _WIDE_ZERO_SHARE and second_zeros == 0 else None


def _is_credible(head: bytes, name: str) -> bool:
    """Printable signatures need something unprintable after them: text may start like that."""
    if name in {"bzip2", "ogg", "flac", "woff"}:
        return not looks_like_text(head)
    return True


def _is_bitmap(head: bytes) -> bool:
    if len(head) < 18:  # noqa: PLR2004 - the two headers up to their size field
        return False
    reserved, _, header_size = struct.unpack_from("<III", head, 6)
    return reserved == 0 and header_size in _BITMAP_HEADER_SIZES


def is_tar(head: bytes) -> bool:
    """Whether the bytes open a TAR archive: by the checksum of its first header.

    Archives older than POSIX have no signature, only that.
    """
    block = head[:_TAR_BLOCK]
    if len(block) < _TAR_BLOCK:
        return False
    digits = block[148:156].strip(b" \0")
    if not digits or digits.strip(b"01234567"):
        return False
    # The checksum counts its own field as spaces; some writers took bytes as signed.
    counted = block[:148] + b" " * 8 + block[156:]
    signed = sum(byte - 256 * (byte > 127) for byte in counted)  # noqa: PLR2004 - the sign bit
    return int(digits, 8) in {sum(counted), signed}
