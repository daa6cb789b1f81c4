"""The role of the object store: immutable blobs by key, written whole or in parts."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from docyard_common.errors import FailureReason, PermanentError

if TYPE_CHECKING:
    import hashlib


class PartsRefusedError(PermanentError):
    """The store does not join these parts: one is missing, was changed, or is too small."""

    reason = FailureReason.CHECKSUM_MISMATCH


class ObjectExistsError(PermanentError):
    """Something lies under that key already, and it was asked for to be new."""


class BucketRefusedError(PermanentError):
    """The store does not give us that bucket: it is somebody else's, or its name is not taken."""


@dataclass(frozen=True)
class ObjectStat:
    """What the store says of an object without reading it."""

    key: str
    size_bytes: int
    etag: str  # opaque; of equal bytes it need not be equal
    content_type: str  # empty in listings: S3 does not tell it there
    modified_at: datetime


@dataclass(frozen=True)
class ObjectDigest:
    """What an object is, read from its first byte to its last."""

    size_bytes: int
    sha256: str  # hex
    head: bytes  # its first bytes, as many as were asked for or as there are


@dataclass(frozen=True)
class ObjectPrefix:
    """The first bytes of an object, as somebody hashed them who stored them."""

    size_bytes: int
    hasher: "hashlib._Hash"  # SHA-256 of these bytes; whoever goes on does so with a copy
    head: bytes  # the first of them


@dataclass(frozen=True)
class StoredPart:
    """A part of an open multipart upload, as the store lists it."""

    number: int
    size_bytes: int
    etag: str


@dataclass(frozen=True)
class OpenMultipart:
    """An upload in parts that has not ended."""

    key: str
    upload_id: str
    started_at: datetime


class PutUrls(Protocol):
    """URLs by which a client puts bytes straight into the store, without credentials."""

    def put_url(
        self,
        key: str,
        *,
        headers: Mapping[str, str],
        at: datetime,
        expires_s: int,
        query: Mapping[str, str] | None = None,
    ) -> str:
        """Return a URL for one PUT under *key*, good from *at* on for *expires_s*.

        The store refuses a request whose *headers* are not exactly these.
        """
        ...


class ObjectStore(Protocol):
    """Blobs by key, visible whole or not at all. Safe to share between tasks.

    Every method raises DependencyUnavailableError("object_store", …) in bounded time when the
    store does not answer, refuses the credentials or has lost the bucket.
    """

    async def put(
        self, key: str, data: bytes, *, content_type: str = "application/octet-stream"
    ) -> str:
        """Store *data* under *key*, over what lay there; return its ETag.

        A kill leaves the old or the new.
        """
        ...

    async def put_new(
        self, key: str, data: bytes, *, content_type: str = "application/octet-stream"
    ) -> bool:
        """Store *data* unless something lies under *key* already; of several calls one wins.

        False when something does. A call whose answer was lost may find its own object: false too.
        """
        ...

    async def get(self, key: str) -> bytes:
        """Return the whole object: for artifacts, not for originals.

        Raises ObjectMissingError.
        """
        ...

    def stream(
        self, key: str, *, offset: int = 0, length: int | None = None
    ) -> AsyncIterator[bytes]:
        """Yield the bytes from *offset* on, at most *length*, in pieces of about a mebibyte.

        Nothing from the end of the object on. Raises ObjectMissingError before the first piece.
        """
        ...

    async def download(self, key: str, path: Path) -> str:
        """Write the object to the file *path*; return the SHA-256 (hex) of what was written.

        Raises ObjectMissingError, and OSError where the file can not be written. After an error,
        a cancel or a kill the file may hold a part of the object.
        """
        ...

    async def digest(
        self, key: str, *, head_bytes: int, after: ObjectPrefix | None = None
    ) -> ObjectDigest:
        """Find what the whole object is: read through a hash, in bounded memory.

        Not read is what is known by *after* (a prefix longer than the object counts for nothing),
        and an object that the store itself held against a SHA-256 when it was put. Raises
        ObjectMissingError.
        """
        ...

    async def stat(self, key: str) -> ObjectStat:
        """Ask about the object without reading it. Raises ObjectMissingError."""
        ...

    def list(self, prefix: str) -> AsyncIterator[ObjectStat]:
        """Yield the objects whose key starts with *prefix*; within one folder sorted by key."""
        ...

    async def copy(self, source: str, target: str) -> None:
        """Store what lies under *source* under *target* as well, without its bytes passing here.

        Over what lay there; at most 5 GiB. Raises ObjectMissingError.
        """
        ...

    async def delete(self, key: str) -> None:
        """Remove the object; nothing there is fine."""
        ...

    async def delete_prefix(self, prefix: str) -> int:
        """Remove everything whose key starts with *prefix*; return how many objects that were.

        Raises ValueError for an empty prefix. A kill leaves some: call it again.
        """
        ...

    async def start_multipart(self, key: str, *, content_type: str) -> str:
        """Open an upload in parts; return its id. Invisible and unbounded in time until ended."""
        ...

    async def put_part(self, key: str, upload_id: str, number: int, data: bytes) -> str:
        """Store part *number* (1-10,000), over an earlier one of that number; return its ETag.

        Raises ObjectMissingError when the upload is unknown: completed or aborted.
        """
        ...

    async def list_parts(self, key: str, upload_id: str) -> Sequence[StoredPart]:
        """Return the parts that are stored, by number. Raises ObjectMissingError as `put_part`."""
        ...

    async def complete_multipart(
        self, key: str, upload_id: str, parts: Sequence[tuple[int, str]]
    ) -> None:
        """Join *parts* (number, ETag; ascending) into the object. All but the last: 5 MiB or more.

        Idempotent: when the upload is gone and *key* exists, an earlier call has done it.
        Raises PartsRefusedError, or ObjectMissingError when neither upload nor object exists.
        """
        ...

    async def abort_multipart(self, key: str, upload_id: str) -> None:
        """End the upload and free its parts; an unknown upload is fine."""
        ...

    async def open_multiparts(self, prefix: str) -> Sequence[OpenMultipart]:
        """Return uploads that have not ended, at most a thousand, in the order of their keys."""
        ...

    async def ensure_bucket(self) -> None:
        """Create the bucket unless it exists; safe from several replicas at once.

        Raises BucketRefusedError when the store does not let us have a bucket of that name.
        """
        ...
