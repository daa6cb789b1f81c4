"""TAR archives and single compressed files, inflated as a stream: only forward, never on disk."""

import bz2
import gzip
import io
import lzma
import tarfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import PurePosixPath
from typing import IO, Final, cast

import zstandard

from docyard_common.artifacts import SkipReason
from docyard_common.media_types import MediaType
from docyard_common.signatures import is_tar
from processor.extraction.document import Enclosed, MemberSkippedError, Source
from processor.extraction.listing import ArchiveDocument, Listing
from processor.stages.errors import UnreadableDocumentError

_MIB: Final = 1024 * 1024
_PIECE_BYTES: Final = 256 * 1024
_BLOCK: Final = 512
_MAX_HEADER_BYTES: Final = _MIB
"""Of one extended header: names and times come to some hundred bytes."""
_MAX_WINDOW_BYTES: Final = 128 * _MIB
"""Of what xz and zstd keep in memory; their own highest levels need 64 and 128."""
_EXTENDED: Final = frozenset(
    {
        tarfile.XHDTYPE,
        tarfile.XGLTYPE,
        tarfile.SOLARIS_XHDTYPE,
        tarfile.GNUTYPE_LONGNAME,
        tarfile.GNUTYPE_LONGLINK,
    }
)
# What the decoders and tarfile raise for damaged input.
_DAMAGED: Final = (
    tarfile.TarError,
    lzma.LZMAError,
    zlib.error,
    zstandard.ZstdError,
    EOFError,
    OSError,
    ValueError,
    IndexError,
    KeyError,
    OverflowError,
    RecursionError,
)
_CUT_OFF: Final = "The rest can not be read: the archive is damaged."
_TOO_MUCH: Final = "The rest was not read: it unfolds into more than is allowed."


class _TooMuchError(Exception):
    """The stream unfolds into more than its limit. No OSError: tarfile would take it for an end."""


def open_tar(source: Source) -> ArchiveDocument:
    """Open an archive, compressed or not, or a single compressed file.

    Raises UnreadableDocumentError where it is neither.
    """
    file = source.path.open("rb")
    stream = _Counted(_inflating(file, source), limit=_inflated_limit(source))
    try:
        head = stream.peek(_BLOCK)
    except _DAMAGED as error:
        file.close()
        raise UnreadableDocumentError("The compressed data is damaged.") from error
    if is_tar(head):
        enclosed = partial(_members, stream)
    elif source.media_type is MediaType.TAR:
        file.close()
        raise UnreadableDocumentError("The file is no TAR archive.")
    else:
        enclosed = partial(_single, stream, PurePosixPath(source.filename).stem)
    facts = {"compression": None if source.media_type is MediaType.TAR else source.media_type.value}
    return ArchiveDocument("tarfile", enclosed, facts=facts, close=file.close)


def _inflating(file: IO[bytes], source: Source) -> IO[bytes]:
    match source.media_type:
        case MediaType.GZIP:
            return cast("IO[bytes]", gzip.GzipFile(fileobj=file))
        case MediaType.BZIP2:
            return bz2.BZ2File(file)
        case MediaType.XZ:
            return io.BufferedReader(_XzFile(file))
        case MediaType.ZSTD:
            decoder = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW_BYTES)
            return decoder.stream_reader(file, read_across_frames=True)
        case _:
            return file


def _inflated_limit(source: Source) -> int:
    """Return how much may be inflated to get over what is skipped."""
    limits = source.limits
    own = max(limits.ratio_from_bytes, limits.max_ratio * source.path.stat().st_size)
    return min(own, limits.max_unfolded_bytes) + _MIB


class _XzFile(io.RawIOBase):
    """xz in bounded memory: `lzma.LZMAFile` takes no limit of it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._decoder = self._new()
        self._rest = b""

    @staticmethod
    def _new() -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MAX_WINDOW_BYTES)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while True:
            if self._decoder.eof:
                self._rest = self._decoder.unused_data or self._file.read(_PIECE_BYTES)
                self._rest = self._rest.lstrip(b"\0")
                if not self._rest:
                    return 0
                self._decoder = self._new()
            elif self._decoder.needs_input:
                self._rest = self._file.read(_PIECE_BYTES)
                if not self._rest:
                    raise EOFError("the compressed data ends too early")
            data = self._decoder.decompress(self._rest, len(buffer))
            self._rest = b""
            if data:
                buffer[: len(data)] = data
                return len(data)


class _Counted:
    """A stream that ends with an error where more comes out of it than may."""

    def __init__(self, file: IO[bytes], *, limit: int) -> None:
        self._file = file
        self._left = limit
        self._head = b""

    def peek(self, size: int) -> bytes:
        self._head += self._file.read(size - len(self._head))
        return self._head

    def read(self, size: int) -> bytes:
        head, self._head = self._head[:size], self._head[size:]
        data = head + (self._file.read(size - len(head)) if size > len(head) else b"")
        self._left -= len(data)
        if self._left < 0:
            raise _TooMuchError
        return data


class _Header(tarfile.TarInfo):
    """A header that keeps no extended headers of gigabytes."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        too_long = self.type in _EXTENDED and self.size > _MAX_HEADER_BYTES
        # A negative size leads backwards, and round and round.
        if too_long or self.size < 0:
            raise tarfile.ReadError("a header says what none may say")
        found: tarfile.TarInfo = super()._proc_member(archive)  # type: ignore[misc]
        if found.size < 0:
            raise tarfile.ReadError("a header says what none may say")
        return found


def _members(stream: _Counted, listing: Listing) -> Iterator[Enclosed]:
    """Yield the files in the order of the archive; links and devices as skipped."""
    try:
        file = cast("IO[bytes]", stream)
        with tarfile.open(fileobj=file, mode="r|", tarinfo=_Header) as archive:
            position = 0
            while (info := archive.next()) is not None:
                # tarfile keeps every header: of a million members that is a gigabyte.
                archive.members.clear()  # type: ignore[attr-defined]
                if not info.isdir():
                    position += 1
                    yield _enclosed(archive, info, position)
    except _TooMuchError:
        listing.remark = _TOO_MUCH
    except _DAMAGED:
        listing.remark = _CUT_OFF


def _enclosed(archive: tarfile.TarFile, info: tarfile.TarInfo, position: int) -> Enclosed:
    plain = info.isreg() and not info.issparse()
    return Enclosed(
        position=position,
        path=info.name,
        pieces=partial(_tar_pieces, archive, info),
        size_bytes=info.size,
        skipped=None if plain else SkipReason.NOT_A_FILE,
    )


def _tar_pieces(archive: tarfile.TarFile, info: tarfile.TarInfo) -> Iterator[bytes]:
    try:
        file = archive.extractfile(info)
        while file is not None and (piece := file.read(_PIECE_BYTES)):
            yield piece
    except _TooMuchError as error:
        raise MemberSkippedError(SkipReason.DECOMPRESSION_LIMIT) from error
    except _DAMAGED as error:
        raise MemberSkippedError(SkipReason.DAMAGED) from error


def _single(stream: _Counted, name: str, _listing: Listing) -> Iterator[Enclosed]:
    yield Enclosed(position=1, path=name, pieces=partial(_read_all, stream.read))


def _read_all(read: Callable[[int], bytes]) -> Iterator[bytes]:
    try:
        while piece := read(_PIECE_BYTES):
            yield piece
    except _TooMuchError as error:
        raise MemberSkippedError(SkipReason.DECOMPRESSION_LIMIT) from error
    except _DAMAGED as error:
        raise MemberSkippedError(SkipReason.DAMAGED) from error
