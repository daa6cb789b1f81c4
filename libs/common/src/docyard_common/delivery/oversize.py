"""Records larger than a topic takes: a batch of a mebibyte may unfold into any size.

Nobody works on one. Its dead letter holds all of it packed: as zstd, and in that key, value, then
name and value of each header, each as its length (four bytes, big-endian; -1: null) and its bytes.
"""

import struct
from itertools import chain
from typing import Final

import zstandard

from docyard_common.delivery.headers import PACKED_BYTES, PACKED_HEAD, Death, buried
from docyard_common.events import topics
from docyard_common.events.codec import Headers, Record

MAX_RECORD_BYTES: Final = 896 * 1024
"""What is made of a record is a little larger, and has to fit a topic that takes a mebibyte."""
MAX_LETTER_BYTES: Final = 1536 * 1024
"""Of a packed record, and beside it half a mebibyte of headers: a dead letter takes two."""
_MAX_KEPT_BYTES: Final = 64 * 1024
"""Of key and headers that are shown beside what is packed."""
_HEAD_BYTES: Final = 1024
_LENGTH: Final = struct.Struct("!i")
_WINDOW: Final = zstandard.ZstdCompressionParameters.from_level(3, window_log=27, enable_ldm=True)
"""Finds again what repeats far away: a record must not become larger than the batch it came in."""


def size_of(key: bytes | None, value: bytes | None, headers: Headers) -> int:
    """Return how many bytes a record is, uncompressed."""
    names = sum(len(name.encode(errors="surrogatepass")) for name, _ in headers)
    return sum(len(data or b"") for data in (key, value, *(data for _, data in headers))) + names


def letter(record: Record, death: Death) -> Record:
    """Return the dead letter of *record*: as it came and our headers, packed where it is too large.

    What is too large even packed is cut: its beginning unfolds, and the rest is where it was read.
    """
    topic = topics.dead_letters(death.stage)
    size = size_of(record.key, record.value, record.headers)
    if size <= MAX_RECORD_BYTES:
        return Record(topic, record.key, record.value, buried(record.headers, death))
    small = size_of(record.key, None, record.headers) <= _MAX_KEPT_BYTES
    note = ((PACKED_BYTES, str(size).encode()), (PACKED_HEAD, (record.value or b"")[:_HEAD_BYTES]))
    return Record(
        topic,
        record.key if small else None,
        packed(record)[:MAX_LETTER_BYTES],
        (*buried(record.headers if small else (), death), *note),
    )


def packed(record: Record) -> bytes:
    """Return all of *record* but its topic in few bytes."""
    names_and_values = chain.from_iterable(
        (name.encode(errors="surrogatepass"), value) for name, value in record.headers
    )
    fields = chain((record.key, record.value), names_and_values)
    return zstandard.ZstdCompressor(compression_params=_WINDOW).compress(
        b"".join(chain.from_iterable(map(_framed, fields)))
    )


def unpacked(data: bytes) -> tuple[bytes | None, bytes | None, Headers]:
    """Return key, value and headers of what was packed, and not cut. Raises ValueError."""
    try:
        fields = _fields(zstandard.decompress(data))
    except (zstandard.ZstdError, struct.error) as error:
        raise ValueError("this is no packed record") from error
    key, value, *rest = fields
    names = [(name or b"").decode(errors="surrogatepass") for name in rest[::2]]
    return key, value, tuple(zip(names, rest[1::2], strict=True))


def _framed(data: bytes | None) -> tuple[bytes, bytes]:
    return (_LENGTH.pack(-1), b"") if data is None else (_LENGTH.pack(len(data)), data)


def _fields(data: bytes) -> list[bytes | None]:
    fields: list[bytes | None] = []
    at = 0
    while at < len(data):
        (length,) = _LENGTH.unpack_from(data, at)
        at += _LENGTH.size
        fields.append(None if length < 0 else data[at : at + length])
        at += max(length, 0)
    return fields
