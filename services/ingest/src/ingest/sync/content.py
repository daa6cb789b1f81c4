"""What a file holds: its hashes, and the ETag that a store gives to it, cut into parts of a size.

It blocks, except for the arithmetic.
"""

import hashlib
from dataclasses import dataclass
from typing import Final

from ingest.folder_job import Signature
from ingest.sync.folders import OpenFile

PART_BYTES: Final = 5 * 1024 * 1024
"""Files above this go up in parts: the least that S3 takes, so that memory stays small."""
MAX_PARTS: Final = 10_000


class FileChangedError(Exception):
    """The file is not what it was when it was opened: somebody writes into it."""

    def __init__(self, signature: Signature) -> None:
        super().__init__("the file changes while it is read")
        self.signature = signature


@dataclass(frozen=True)
class Content:
    """Hashes of what was read."""

    size_bytes: int
    sha256: str
    etag: str  # as S3 computes it from these parts


@dataclass(frozen=True)
class Whole:
    """A small file in memory."""

    data: bytes
    content: Content


class Digest:
    """Takes the parts of a file in their order."""

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()
        self._parts: list[bytes] = []
        self._size_bytes = 0

    def add(self, part: bytes) -> str:
        """Take the next part; return its MD5 in hex, which is its ETag."""
        md5 = hashlib.md5(part, usedforsecurity=False)
        self._parts.append(md5.digest())
        self._sha256.update(part)
        self._size_bytes += len(part)
        return md5.hexdigest()

    def content(self, *, in_parts: bool) -> Content:
        return Content(self._size_bytes, self._sha256.hexdigest(), self._etag(in_parts=in_parts))

    def _etag(self, *, in_parts: bool) -> str:
        if not in_parts:
            return self._parts[0].hex()
        joined = hashlib.md5(b"".join(self._parts), usedforsecurity=False)
        return f"{joined.hexdigest()}-{len(self._parts)}"


def part_bytes(size_bytes: int) -> int:
    """Return how large the parts of a file are: 10,000 of them must be enough."""
    return max(PART_BYTES, -(-size_bytes // MAX_PARTS))


def goes_in_parts(size_bytes: int) -> bool:
    return size_bytes > PART_BYTES


def read_whole(file: OpenFile, expected: Signature) -> Whole:
    """Read a small file. Raises FileChangedError, or FileRefusedError."""
    data = file.read(0, expected.size_bytes + 1)
    require_unchanged(file, expected, read_bytes=len(data))
    digest = Digest()
    digest.add(data)
    return Whole(data, digest.content(in_parts=False))


def hash_whole(file: OpenFile, expected: Signature) -> Content:
    """Read a file of any size, keeping one part in memory. Raises as `read_whole`."""
    digest = Digest()
    in_parts = goes_in_parts(expected.size_bytes)
    size = part_bytes(expected.size_bytes)
    offset = 0
    while offset < expected.size_bytes or not offset:
        part = file.read(offset, size)
        digest.add(part)
        offset += len(part)
        if len(part) < size:
            break
    require_unchanged(file, expected, read_bytes=offset)
    return digest.content(in_parts=in_parts)


def require_unchanged(file: OpenFile, expected: Signature, *, read_bytes: int) -> None:
    """Raise FileChangedError where the file was written to since it was opened."""
    found = file.signature()
    if read_bytes != expected.size_bytes or not found.same_content_as(expected):
        raise FileChangedError(found)
