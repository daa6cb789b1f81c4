"""What is uploaded: a file streamed from disk, bytes, or a stream of unknown length."""

import hashlib
import io
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Literal
from uuid import uuid4

from docyard.transport import Request

OnBytes = Callable[[int], None]
"""Called with the bytes of the document sent so far; a retry begins at 0 again."""

Via = Literal["simple", "chunked", "presigned"]
"""In one request; in parts through ingest; straight into the store."""

UNDECLARED = "application/octet-stream"
"""Leaves the type to Docyard, which looks at name and content; guesses of this machine may err."""


@dataclass(frozen=True)
class Upload:
    """One document to send. Sending the same value again yields the same document."""

    source: Path | bytes | BinaryIO
    filename: str | None = None  # by default that of the path
    content_type: str = UNDECLARED
    priority: str = "normal"
    metadata: Mapping[str, Any] = field(default_factory=dict)
    processing_options: Mapping[str, Any] = field(default_factory=dict)
    idempotency_key: str = field(default_factory=lambda: str(uuid4()))

    @property
    def name(self) -> str:
        """The file name that Docyard is told; undecodable bytes of a path are replaced."""
        name = self.filename or (self.source.name if isinstance(self.source, Path) else "upload")
        return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")

    @property
    def size_bytes(self) -> int | None:
        """How much there is to send; None for a stream. Raises OSError for a missing path."""
        match self.source:
            case Path():
                return self.source.stat().st_size
            case bytes():
                return len(self.source)
            case _:
                return None


class CountedFile:
    """A file that tells how much of it was read, and its hash: what is read is being sent.

    A pipe can not be sought in, which tells the sender that its length is unknown.
    """

    def __init__(self, file: BinaryIO, *, on_bytes: OnBytes | None) -> None:
        self._file = file
        self._on_bytes = on_bytes or (lambda _sent: None)
        self._sent = 0
        self._sha256 = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """The hash, in hex, of what was read since the file was last at its beginning."""
        return self._sha256.hexdigest()

    def __iter__(self) -> Iterator[bytes]:
        while chunk := self.read(io.DEFAULT_BUFFER_SIZE):
            yield chunk

    def read(self, size: int = -1) -> bytes:
        chunk = self._file.read(size)
        self._sent += len(chunk)
        self._sha256.update(chunk)
        if chunk:
            self._on_bytes(self._sent)
        return chunk

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move in the file. Raises io.UnsupportedOperation for a pipe."""
        self._sent = self._file.seek(offset, whence)
        if self._sent == 0:
            self._sha256 = hashlib.sha256()
        return self._sent

    def tell(self) -> int:
        return self._file.tell()


@contextmanager
def request_of(
    upload: Upload, *, url: str, on_bytes: OnBytes | None = None
) -> Iterator[tuple[Request, CountedFile]]:
    """Yield the request that sends *upload*, and what it reads; the file is open inside.

    Raises OSError for a path that can not be opened. A pipe is sent once: its bytes are gone.
    """
    with _opened(upload.source) as file:
        counted = CountedFile(file, on_bytes=on_bytes)

        def body() -> dict[str, Any]:
            part = (upload.name, counted, upload.content_type)
            return {"data": _fields(upload), "files": {"file": part}}

        request = Request(
            "POST",
            url,
            headers={"Idempotency-Key": upload.idempotency_key},
            body=body,
            repeatable=file.seekable(),
        )
        yield request, counted


def _opened(source: Path | bytes | BinaryIO) -> AbstractContextManager[BinaryIO]:
    match source:
        case Path():
            return source.open("rb")
        case bytes():
            return io.BytesIO(source)
        case _:
            return nullcontext(source)


def _fields(upload: Upload) -> dict[str, str]:
    fields = {"priority": upload.priority}
    if upload.metadata:
        fields["metadata"] = json.dumps(upload.metadata)
    if upload.processing_options:
        fields["processing_options"] = json.dumps(upload.processing_options)
    return fields
