"""The port every format is read through, page by page, never the whole document in memory."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from docyard_common.artifacts import Page, PageError
from docyard_common.media_types import MediaType
from processor.extraction.reading import Reading
from processor.stages.task import DocumentLimits


@dataclass(frozen=True)
class Source:
    """A local file and what is known of it before it is opened."""

    path: Path
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


Extractor: TypeAlias = Callable[[Source], OpenDocument]
"""Opens a document. Raises UnreadableDocumentError, EncryptedDocumentError, or an error of limits:
DecompressionLimitError, DocumentTooLargeError."""
