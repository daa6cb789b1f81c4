"""PDF by pypdf: slower and more forgiving, so it comes second; bounded, for it can loop."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pypdf import PdfReader

from docyard_common.artifacts import Page, PageError
from processor.extraction.cleaning import clean, clean_metadata
from processor.extraction.time_limit import TimeLimitExceededError, time_limit
from processor.stages.errors import EncryptedDocumentError, UnreadableDocumentError

# It logs a line for every oddity of a damaged file, with words of the document in it.
logging.getLogger("pypdf").setLevel(logging.CRITICAL)

_OPEN_SECONDS: Final = 20.0
_PAGE_SECONDS: Final = 20.0
_TOTAL_FAILED_SECONDS: Final = 60.0
"""Once pages have used this much of their limits in vain, the rest is not tried."""


class PypdfDocument:
    """A PDF that pdfium did not open, or one whose single pages it refused."""

    extractor = "pypdf"

    def __init__(self, reader: PdfReader, page_count: int) -> None:
        self._reader = reader
        self._page_count = page_count
        self._timeouts = 0

    @property
    def page_count(self) -> int:
        return self._page_count

    def pages(self, first: int) -> Iterator[Page | PageError]:
        return (self.read(number) for number in range(first, self._page_count + 1))

    def read(self, number: int) -> Page | PageError:
        """Read one page; whatever is wrong with it stays its own."""
        if self._timeouts * _PAGE_SECONDS >= _TOTAL_FAILED_SECONDS:
            return PageError(number=number, message="Pages before this one took too long.")
        try:
            with time_limit(_PAGE_SECONDS):
                return self._read(number)
        except TimeLimitExceededError:
            self._timeouts += 1
            return PageError(number=number, message="The page took too long to read.")
        except Exception as error:  # noqa: BLE001 - damaged files raise anything, up to RecursionError
            return PageError(number=number, message=f"{type(error).__name__}: {error}"[:500])

    def metadata(self) -> dict[str, Any]:
        try:
            return clean_metadata({k[1:]: str(v) for k, v in (self._reader.metadata or {}).items()})
        except Exception:  # noqa: BLE001 - a document without readable metadata is still a document
            return {}

    def thumbnail(self) -> bytes | None:
        return None

    def close(self) -> None:
        self._reader.close()

    def _read(self, number: int) -> Page:
        page = self._reader.pages[number - 1]
        box = page.mediabox
        return Page(
            number=number,
            text=clean(page.extract_text()),
            width=float(box.width),
            height=float(box.height),
            rotation=page.rotation % 360,
        )


def open_pypdf(path: Path) -> PypdfDocument:
    """Open within 20 seconds. Raises UnreadableDocumentError or EncryptedDocumentError."""
    try:
        with time_limit(_OPEN_SECONDS):
            reader = PdfReader(path, strict=False)
            _require_open(reader)
            pages = len(reader.pages)
    except EncryptedDocumentError:
        raise
    except TimeLimitExceededError as error:
        raise UnreadableDocumentError("The PDF is damaged: reading it does not end.") from error
    except Exception as error:
        raise UnreadableDocumentError(f"The PDF is damaged: {error}"[:500]) from error
    if pages == 0:
        raise UnreadableDocumentError("The PDF has no pages.")
    return PypdfDocument(reader, pages)


def _require_open(reader: PdfReader) -> None:
    if reader.is_encrypted and not reader.decrypt(""):
        raise EncryptedDocumentError("The PDF opens only with a password.")
