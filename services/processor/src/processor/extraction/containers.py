"""ZIP containers, read member by member within limits that are checked before anything inflates.

Shared by every format that is a ZIP file inside: office documents, EPUB, archives.
"""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from processor.stages.errors import (
    DecompressionLimitError,
    EncryptedDocumentError,
    UnreadableDocumentError,
)

_MIB: Final = 1024 * 1024
_ENTRY_BYTES: Final = 46  # the shortest entry of a central directory
_MAX_DIRECTORY_BYTES: Final = 16 * _MIB
"""Of a central directory: each of its entries becomes an object of half a kibibyte."""
_ENCRYPTED: Final = 0x1
# Whatever zipfile and zlib say of damaged members.
_DAMAGED: Final = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
    NotImplementedError,
    struct.error,
)


@dataclass(frozen=True)
class ContainerLimits:
    """How much a container may unfold into."""

    members: int = 20_000
    """A book of a thousand pages with a picture on each stays far below."""
    member_bytes: int = 1024 * _MIB
    """Of one member, inflated: the largest sheet a spreadsheet may have is about half of it."""
    total_bytes: int = 4096 * _MIB
    """Of all members, inflated."""
    ratio: int = 250
    """Inflated size by stored size; repeated rows of real spreadsheets come to some 100."""
    ratio_from_bytes: int = 64 * _MIB
    """Smaller members may be as dense as they like: they hurt nobody."""


class Container:
    """An open ZIP file. Names are compared as office programs do: slashes either way, any case."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._members = {_plain(info.filename): info for info in reversed(archive.infolist())}

    def __contains__(self, name: str) -> bool:
        return _plain(name) in self._members

    @property
    def members(self) -> list[zipfile.ZipInfo]:
        """What the central directory lists, in its order; folders and doubles included."""
        return self._archive.infolist()

    def names(self, prefix: str = "") -> list[str]:
        """Return the names that begin with *prefix*, as written, sorted."""
        start = _plain(prefix)
        return sorted(
            info.filename for name, info in self._members.items() if name.startswith(start)
        )

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """Open a member for reading. Raises what `read` raises, inside the block, too."""
        info = self._members.get(_plain(name))
        if info is None:
            raise UnreadableDocumentError(f"The part {name[:200]} is missing.")
        with reading(name), self._archive.open(info) as member:
            yield member

    @contextmanager
    def open_entry(self, info: zipfile.ZipInfo) -> Iterator[IO[bytes]]:
        """Open one of `members`, whose name others may share. Raises what `read` raises."""
        with reading(info.filename), self._archive.open(info) as member:
            yield member

    def read(self, name: str, *, most: int = 64 * _MIB) -> bytes:
        """Return a whole member.

        Raises UnreadableDocumentError where it is missing or damaged, EncryptedDocumentError, or
        DecompressionLimitError where it is larger than *most* bytes.
        """
        with self.open(name) as member:
            data = member.read(most + 1)
        if len(data) > most:
            raise DecompressionLimitError(f"The part {name[:200]} is larger than is read.")
        return data

    def close(self) -> None:
        self._archive.close()


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Translate what damaged or locked members raise."""
    try:
        yield
    except (RuntimeError, *_DAMAGED) as error:
        # zipfile has no class of its own for a member that wants a password.
        if any(word in str(error) for word in ("password", "encrypt")):
            raise EncryptedDocumentError(f"The part {name[:200]} wants a password.") from error
        raise UnreadableDocumentError(
            f"The part {name[:200]} is damaged: {error}."[:500]
        ) from error


def open_container(path: Path, limits: ContainerLimits = ContainerLimits()) -> Container:
    """Open a ZIP file whose sizes, as declared, are within *limits*; zipfile reads no more.

    Raises UnreadableDocumentError where it is none, or DecompressionLimitError.
    """
    _require_few_entries(path, limits)
    try:
        archive = zipfile.ZipFile(path)
    except _DAMAGED as error:
        raise UnreadableDocumentError(f"The file is a damaged container: {error}."[:500]) from error
    try:
        _require_within(archive.infolist(), limits)
    except DecompressionLimitError:
        archive.close()
        raise
    return Container(archive)


@contextmanager
def kept_open(path: Path) -> Iterator[Container]:
    """Open a container that stays open after the block, unless that raises.

    For openers: what they refuse must not stay open for as long as somebody holds the error. Raises
    what `open_container` raises.
    """
    container = open_container(path)
    try:
        yield container
    except BaseException:
        container.close()
        raise


def _plain(name: str) -> str:
    return name.replace("\\", "/").lstrip("/").casefold()


def _require_few_entries(path: Path, limits: ContainerLimits) -> None:
    """Look at the end record alone: reading millions of entries costs gigabytes."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        record = _end_record(file)
    if record is None:
        return
    entries, directory_bytes = record[4:6]
    claimed = min(directory_bytes, size) // _ENTRY_BYTES
    # Either number may lie: zipfile goes by the bytes, and entries may be long.
    many = entries > limits.members or directory_bytes > _MAX_DIRECTORY_BYTES
    if many and claimed > limits.members:
        raise DecompressionLimitError(f"The container has more than {limits.members} members.")


def _end_record(file: IO[bytes]) -> list[Any] | None:
    """Return the end record that zipfile goes by; None where it refuses the file."""
    try:
        # What is looked at must be what is followed: of several records, and of ZIP64.
        found: list[Any] | None = zipfile._EndRecData(file)  # type: ignore[attr-defined]  # noqa: SLF001
    except _DAMAGED:
        return None
    return found


def _require_within(members: list[zipfile.ZipInfo], limits: ContainerLimits) -> None:
    if len(members) > limits.members:
        raise DecompressionLimitError(f"The container has more than {limits.members} members.")
    if sum(info.file_size for info in members) > limits.total_bytes:
        raise DecompressionLimitError("The container would unfold into more than is read.")
    for info in members:
        dense = info.file_size > limits.ratio * max(1, info.compress_size)
        if info.file_size > limits.member_bytes or (
            dense and info.file_size > limits.ratio_from_bytes
        ):
            raise DecompressionLimitError("A part would unfold into more than is read.")
