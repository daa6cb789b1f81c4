"""ZIP archives: their directory is read first, so that limits hold before anything inflates."""

import stat
import zipfile
from collections.abc import Iterator
from functools import partial
from typing import Final

from docyard_common.artifacts import SkipReason
from processor.extraction.containers import Container, ContainerLimits, open_container
from processor.extraction.document import Enclosed, MemberSkippedError, Source
from processor.extraction.listing import ArchiveDocument, Listing
from processor.extraction.zip_names import names_of
from processor.stages.errors import (
    DecompressionLimitError,
    EncryptedDocumentError,
    UnreadableDocumentError,
)

_PIECE_BYTES: Final = 256 * 1024
_LOCAL_HEADER_BYTES: Final = 30  # in front of the data, and the name behind it
_ENCRYPTED: Final = 0x1
_ANY: Final = 1 << 62
_LIMITS: Final = ContainerLimits(
    # Each file is judged alone: one that is a bomb costs only itself.
    members=50_000,
    member_bytes=_ANY,
    total_bytes=_ANY,
    ratio=_ANY,
)
"""Of the directory, which is in memory: fifty thousand entries are some 40 MB."""


def open_zip(source: Source) -> ArchiveDocument:
    """Read the directory. Raises UnreadableDocumentError or DecompressionLimitError."""
    container = open_container(source.path, _LIMITS)
    return ArchiveDocument("zipfile", partial(_members, container), facts={}, close=container.close)


def _members(container: Container, _listing: Listing) -> Iterator[Enclosed]:
    overlapping = _overlapping(container.members)
    named = zip(container.members, names_of(container.members), strict=True)
    files = ((info, name) for info, name in named if not info.is_dir())
    for position, (info, name) in enumerate(files, start=1):
        yield Enclosed(
            position=position,
            path=name,
            pieces=partial(_pieces, container, info),
            size_bytes=info.file_size,
            stored_bytes=info.compress_size,
            skipped=_known_skip(info, overlapping),
        )


def _known_skip(info: zipfile.ZipInfo, overlapping: set[int]) -> SkipReason | None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in {0, stat.S_IFREG}:
        return SkipReason.NOT_A_FILE
    if info.flag_bits & _ENCRYPTED:
        return SkipReason.ENCRYPTED
    return SkipReason.DECOMPRESSION_LIMIT if info.header_offset in overlapping else None


def _overlapping(members: list[zipfile.ZipInfo]) -> set[int]:
    """Return where files begin that share bytes with the one before: bombs are built like that."""
    found: set[int] = set()
    end = -1
    for info in sorted(members, key=lambda info: info.header_offset):
        if info.header_offset < end:
            found.add(info.header_offset)
        end = max(end, info.header_offset + _LOCAL_HEADER_BYTES + info.compress_size)
    return found


def _pieces(container: Container, info: zipfile.ZipInfo) -> Iterator[bytes]:
    try:
        with container.open_entry(info) as file:
            while piece := file.read(_PIECE_BYTES):
                yield piece
    except EncryptedDocumentError as error:
        raise MemberSkippedError(SkipReason.ENCRYPTED) from error
    except DecompressionLimitError as error:
        raise MemberSkippedError(SkipReason.DECOMPRESSION_LIMIT) from error
    except UnreadableDocumentError as error:
        raise MemberSkippedError(SkipReason.DAMAGED) from error
