"""One upload while its body arrives: fields are read, the type is judged, the bytes flow on."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from pydantic_core import to_json

from docyard_common.media_types import HEAD_BYTES, MediaType, sniff
from ingest.errors import FileMissingError
from ingest.limits.refusals import too_large
from ingest.uploads.fields import UploadFields, clean_filename
from ingest.uploads.form import FileClosed, FileOpened, FormEvent, TextField
from ingest.uploads.transfer import Sink, StoredFile

OpenSink: TypeAlias = Callable[[MediaType], Sink]


@dataclass(frozen=True)
class ReceivedFile:
    """A file that came whole and is stored, with the fields beside it."""

    filename: str
    content_type: MediaType
    stored: StoredFile
    fields: UploadFields

    def fingerprint(self, beside: Mapping[str, object]) -> str:
        """Return the hex SHA-256 of what a repeat under one idempotency key must have in common.

        *beside* is what the way in asks for besides the file and these fields.
        """
        return fingerprint(
            {
                **beside,
                "filename": self.filename,
                "sha256": self.stored.sha256,
                "priority": self.fields.priority,
                "processing_options": self.fields.options,
                "metadata": self.fields.metadata,
            }
        )


class Reception:
    """Takes the events of one form. Nothing goes to a sink before the first bytes are judged."""

    def __init__(self, *, open_sink: OpenSink, max_file_bytes: int) -> None:
        self._open_sink = open_sink
        self._max_file_bytes = max_file_bytes
        self._fields = UploadFields()
        self._filename: str | None = None
        self._declared: str | None = None
        self._head: bytearray = bytearray()
        self._kind: MediaType | None = None
        self._sink: Sink | None = None
        self._received = 0

    async def take(self, event: FormEvent) -> None:
        """Go on by *event*.

        Raises FieldInvalidError, FileTooLargeError or the errors of `media_types.sniff`.
        """
        match event:
            case TextField(name, value):
                self._fields.take(name, value)
            case FileOpened(filename, declared):
                self._filename, self._declared = clean_filename(filename), declared
            case FileClosed():
                pass  # there is one file: the form's end is its end
            case _:
                await self._take_piece(event)

    async def finish(self) -> ReceivedFile:
        """Make the file durable. Raises FileMissingError, and EmptyFileError for no bytes."""
        if self._filename is None:
            raise FileMissingError("The form has no field 'file'.", field="file")
        sink = self._sink or await self._judge(self._filename)
        stored = await sink.finish()
        assert self._kind is not None  # noqa: S101 - `_judge` has set it
        return ReceivedFile(self._filename, self._kind, stored, self._fields)

    async def discard(self) -> None:
        if self._sink is not None:
            await self._sink.discard()

    async def _take_piece(self, piece: bytes) -> None:
        self._received += len(piece)
        if self._received > self._max_file_bytes:
            raise too_large(self._max_file_bytes)
        if self._sink is not None:
            await self._sink.write(piece)
            return
        self._head += piece
        if len(self._head) >= HEAD_BYTES and self._filename is not None:
            await self._judge(self._filename)

    async def _judge(self, filename: str) -> Sink:
        """Refuse the file by its first bytes, or open the sink and let them go."""
        head = bytes(self._head)
        self._kind = sniff(head[:HEAD_BYTES], filename, self._declared)
        self._sink = self._open_sink(self._kind)
        self._head.clear()
        await self._sink.write(head)
        return self._sink


def fingerprint(said: Mapping[str, object]) -> str:
    """Return the hex SHA-256 of JSON data; the order of keys makes no difference."""
    return hashlib.sha256(to_json(_sorted(said))).hexdigest()


def _sorted(value: object) -> object:
    """Return JSON data with the keys of its objects in order."""
    if isinstance(value, Mapping):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value
