"""The port every format is read through, page by page, never the whole document in memory."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeAlias, runtime_checkable

from docyard_common.artifacts import Page, PageError, SkipReason
from docyard_common.media_types import MediaType
from processor.extraction.reading import Reading
from processor.stages.task import DocumentLimits, FoundMember


@dataclass(frozen=True)
class Source:
    """A local file and what is known of it before it is opened."""

    path: Path
    filename: str  # as its owner calls it
    media_type: MediaType
    limits: DocumentLimits
    reading: Reading = field(default_factory=Reading)


class OpenDocument(Protocol):
    """A document that could be opened. Used by one thread, closed once."""

    extractor: str  # the library that reads it

    @property
    def page_count(self) -> int | None:
        """Number of pages; None where it is known only after the last one."""
        ...

    def pages(self, first: int) -> Iterator[Page | PageError]:
        """Read pages from *first* on, in order; numbers do not depend on *first*."""
        ...

    def metadata(self) -> dict[str, Any]:
        """Return what the document says of itself; complete once the pages are read."""
        ...

    def thumbnail(self) -> bytes | None:
        """Return a small WebP picture of the first page; None where there is nothing to show.

        Raises UnreadableDocumentError where the picture is the document and can not be decoded.
        """
        ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Enclosed:
    """A file inside a container, before anything of it is read."""

    position: int  # from 1, in the container's own order, whatever is skipped
    path: str  # as the container says it
    pieces: Callable[[], Iterator[bytes]]
    """Reads the file once, a mebibyte at most at a time. Raises MemberSkippedError."""
    size_bytes: int | None = None  # as declared: it may lie
    stored_bytes: int | None = None  # compressed; None where files are not compressed one by one
    skipped: SkipReason | None = None  # known without reading it


class MemberSkippedError(Exception):
    """A file inside a container can not be read; the others may be well."""

    def __init__(self, reason: SkipReason) -> None:
        super().__init__(reason.value)
        self.reason = reason


Take: TypeAlias = Callable[[Enclosed], FoundMember]
"""Passes a file on, or not, and says what is to become of it."""


@runtime_checkable
class Enclosing(Protocol):
    """A document with files inside that become documents of their own."""

    def unfold(self, take: Take) -> None:
        """Offer each file to *take*, in order; pages read afterwards list what became of them."""
        ...


Extractor: TypeAlias = Callable[[Source], OpenDocument]
"""Opens a document. Raises UnreadableDocumentError, EncryptedDocumentError, or an error of limits:
DecompressionLimitError, DocumentTooLargeError."""
