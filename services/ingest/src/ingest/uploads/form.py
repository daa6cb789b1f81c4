"""Reads a multipart form as it arrives: small fields whole, the file piece by piece.

The parser is `multipart`: of three that were measured it and python-multipart kept 280 MB/s or
more on every content, while streaming-form-data fell to 25 MB/s on carriage returns.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from multipart import (  # type: ignore[import-untyped]  # it ships no py.typed
    MultipartError,
    MultipartSegment,
    PushMultipartParser,
    parse_options_header,
)

from ingest.errors import FieldInvalidError, MultipartInvalidError, UnknownFieldError

FILE_FIELD: Final = "file"
_MAX_SEGMENTS: Final = 32
_MAX_BOUNDARY: Final = 200
"""RFC 2046 allows 70 characters; some clients take more."""


@dataclass(frozen=True)
class TextField:
    """A whole field that is no file."""

    name: str
    value: str


@dataclass(frozen=True)
class FileOpened:
    """The file begins; its pieces follow as bytes."""

    filename: str
    content_type: str | None  # as the client declared it


@dataclass(frozen=True)
class FileClosed:
    """The file has come to its end; told in forms with several."""


FormEvent: TypeAlias = TextField | FileOpened | FileClosed | bytes


def boundary_of(content_type: str) -> str:
    """Return the boundary that a `Content-Type` names. Raises MultipartInvalidError."""
    kind, options = parse_options_header(content_type)
    boundary: str = options.get("boundary", "")
    if kind != "multipart/form-data":
        raise MultipartInvalidError("The body must be multipart/form-data.")
    if not 0 < len(boundary) <= _MAX_BOUNDARY or not boundary.isascii():
        raise MultipartInvalidError("The Content-Type names no usable boundary.")
    return boundary


class FormReader:
    """Turns chunks of a body into form events; holds a field and a delimiter, never the file."""

    def __init__(
        self,
        boundary: str,
        *,
        fields: Mapping[str, int],
        files: frozenset[str] = frozenset({FILE_FIELD}),
        max_files: int = 1,
    ) -> None:
        """*fields* are the known text fields and how many bytes each may hold.

        *files* are the names of file fields; above one of *max_files* they may come again, and
        one file more than that is still told.
        """
        self._fields = fields
        self._files = files
        self._has_several = max_files > 1
        self._parser = self._opened(boundary, max_segments=_MAX_SEGMENTS + max_files)
        self._seen: set[str] = set()
        self._field: str | None = None
        self._value = bytearray()

    def feed(self, chunk: bytes) -> Iterator[FormEvent]:
        """Yield what *chunk* completes; must be read to its end before the next chunk.

        Raises MultipartInvalidError, UnknownFieldError or FieldInvalidError.
        """
        try:
            for event in self._parser.parse(chunk):
                yield from self._event(event)
        except MultipartError as error:
            raise MultipartInvalidError(f"The form is broken: {error}.") from error

    def close(self) -> None:
        """Check that the form came to its end. Raises MultipartInvalidError."""
        try:
            self._parser.close()
        except MultipartError as error:
            raise MultipartInvalidError("The form ends in the middle.") from error

    @staticmethod
    def _opened(boundary: str, *, max_segments: int) -> PushMultipartParser:
        try:
            return PushMultipartParser(boundary, max_segment_count=max_segments)
        except MultipartError as error:
            raise MultipartInvalidError(f"The boundary is unusable: {error}.") from error

    def _event(self, event: MultipartSegment | bytes | None) -> Iterator[FormEvent]:
        if isinstance(event, MultipartSegment):
            yield from self._open(event)
        elif self._field in self._files:
            if event is not None:
                yield event
            elif self._has_several:
                yield FileClosed()
        elif event is None:
            yield self._text()
        else:
            self._collect(event)

    def _open(self, segment: MultipartSegment) -> Iterator[FormEvent]:
        name = segment.name or ""
        is_file = name in self._files
        if not is_file and name not in self._fields:
            raise UnknownFieldError(f"The form has an unknown field: {name[:80]!r}.", field=name)
        if name in self._seen and not (is_file and self._has_several):
            raise FieldInvalidError(f"The field {name!r} is given twice.", field=name)
        self._seen.add(name)
        self._field = name
        self._value.clear()
        if is_file:
            if segment.filename is None:
                raise FieldInvalidError(f"The field {name!r} carries no filename.", field=name)
            yield FileOpened(segment.filename, segment.content_type)

    def _collect(self, data: bytes) -> None:
        name = self._field or ""
        self._value += data
        if len(self._value) > self._fields[name]:
            raise FieldInvalidError(
                f"The field {name!r} is longer than {self._fields[name]} bytes.", field=name
            )

    def _text(self) -> TextField:
        name = self._field or ""
        try:
            return TextField(name, self._value.decode())
        except UnicodeDecodeError as error:
            raise FieldInvalidError(f"The field {name!r} is not UTF-8.", field=name) from error
