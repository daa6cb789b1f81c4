"""PDF by pdfium; what pdfium refuses, the whole file or one page, is tried with pypdf."""

from bisect import bisect_right
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from docyard_common.artifacts import Page, PageError
from processor.extraction.cleaning import clean, clean_metadata
from processor.extraction.document import OpenDocument, Source
from processor.extraction.ocr import Recognised
from processor.extraction.pdf_notes import notes_of, text_of
from processor.extraction.pdf_ocr import look_at
from processor.extraction.pdf_words import words_of
from processor.extraction.pypdf_fallback import PypdfDocument, open_pypdf
from processor.extraction.reading import When
from processor.extraction.thumbnails import THUMBNAIL_PIXELS, encode_thumbnail
from processor.stages.errors import (
    DocumentTooLargeError,
    EncryptedDocumentError,
    UnreadableDocumentError,
)

_LOCKED: Final = frozenset({pdfium_c.FPDF_ERR_PASSWORD, pdfium_c.FPDF_ERR_SECURITY})
_FORMS: Final = frozenset({pdfium_c.FORMTYPE_ACRO_FORM, pdfium_c.FORMTYPE_XFA_FOREGROUND})
_MAX_OUTLINE_ITEMS: Final = 5_000
_MAX_ATTACHMENTS: Final = 100
_MAX_FACT_BYTES: Final = 1024 * 1024
"""Some programs write tens of thousands of keywords; more than that is left out."""


def open_pdf(source: Source) -> OpenDocument:
    """Open with pdfium, or pypdf where pdfium refuses. Raises what `Extractor` says."""
    return _within_limits(source, _open_pdfium(source) or open_pypdf(source.path))


def open_pdf_otherwise(source: Source) -> OpenDocument:
    """Open with pypdf alone, for what pdfium dies of. Raises what `Extractor` says."""
    return _within_limits(source, open_pypdf(source.path))


def _within_limits(source: Source, document: OpenDocument) -> OpenDocument:
    if (document.page_count or 0) > source.limits.max_pages:
        document.close()
        raise DocumentTooLargeError(f"The document has more than {source.limits.max_pages} pages.")
    return document


def _open_pdfium(source: Source) -> OpenDocument | None:
    """Return None where pdfium does not understand the file."""
    try:
        pdf = pdfium.PdfDocument(source.path)
    except pdfium.PdfiumError as error:
        if error.err_code in _LOCKED and _is_locked(source.path):
            raise EncryptedDocumentError("The PDF opens only with a password.") from error
        return None
    if len(pdf) == 0:
        pdf.close()
        return None
    return PdfiumDocument(source, pdf)


def _is_locked(path: Path) -> bool:
    """Ask again: of some files pdfium tells the error that the document before them had."""
    with suppress(pdfium.PdfiumError):
        pdfium.PdfDocument(b"no PDF: its error is another one")
    try:
        pdfium.PdfDocument(path).close()
    except pdfium.PdfiumError as error:
        return error.err_code in _LOCKED
    return False


class PdfiumDocument:
    """A PDF that pdfium has opened; pypdf is asked only for single pages that pdfium refuses."""

    extractor = "pypdfium2"

    def __init__(self, source: Source, pdf: pdfium.PdfDocument) -> None:
        self._source = source
        self._pdf = pdf
        self._ocr = source.reading.recogniser(source.limits.ocr_seconds)
        if pdf.get_formtype() in _FORMS:
            pdf.init_forms()

    @property
    def page_count(self) -> int:
        return len(self._pdf)

    def pages(self, first: int) -> Iterator[Page | PageError]:
        for number in range(first, self.page_count + 1):
            try:
                yield self._read(number)
            except pdfium.PdfiumError as error:
                yield self._read_otherwise(number, error)

    def metadata(self) -> dict[str, Any]:
        facts: dict[str, Any] = {key: self._fact(key) for key in self._pdf.METADATA_KEYS}
        facts["version"] = self._pdf.get_version()
        facts["has_form"] = self._pdf.get_formtype() != pdfium_c.FORMTYPE_NONE
        facts["attachments"] = self._attachments() or None
        facts["ocr"] = self._ocr.facts if self._ocr else None
        return clean_metadata(facts)

    def thumbnail(self) -> bytes | None:
        try:
            page = self._pdf[0]
            scale = THUMBNAIL_PIXELS / max(*page.get_size(), 1.0)
            picture = encode_thumbnail(page.render(scale=scale).to_pil())
            page.close()
        except (pdfium.PdfiumError, OSError, ValueError):
            return None
        return picture

    def close(self) -> None:
        self._pdf.close()

    def _read(self, number: int) -> Page:
        page = self._pdf[number - 1]
        textpage = page.get_textpage()
        width, height = page.get_size()
        text = clean(textpage.get_text_bounded())
        words = words_of(page, textpage) if self._source.reading.words else None
        if (seen := self._seen(page, text)) is not None:
            text, words = seen.text, seen.words if words is not None else None
        result = Page(
            number=number,
            text="\n".join(filter(None, [text, *notes_of(self._pdf, page)])),
            width=width,
            height=height,
            rotation=page.get_rotation(),
            heading=self._heading(number),
            words=words,
        )
        textpage.close()
        page.close()
        return result

    def _seen(self, page: pdfium.PdfPage, text: str) -> Recognised | None:
        """Look at a page that has no text, or at any where that is asked for."""
        wanted = self._source.reading.ocr is When.ALWAYS or not text.strip()
        return look_at(page, self._ocr) if self._ocr and wanted else None

    def _read_otherwise(self, number: int, cause: pdfium.PdfiumError) -> Page | PageError:
        if self._fallback is None:
            return PageError(number=number, message=str(cause))
        return self._fallback.read(number)

    @cached_property
    def _fallback(self) -> PypdfDocument | None:
        try:
            return open_pypdf(self._source.path)
        except (UnreadableDocumentError, EncryptedDocumentError):
            return None

    def _heading(self, number: int) -> str | None:
        """Return the last entry of the outline that begins before or on this page."""
        pages, titles = self._outline
        position = bisect_right(pages, number)
        return titles[position - 1] if position else None

    @cached_property
    def _outline(self) -> tuple[list[int], list[str]]:
        entries: list[tuple[int, str]] = []
        try:
            for item, _ in zip(self._pdf.get_toc(), range(_MAX_OUTLINE_ITEMS), strict=False):
                target = item.get_dest()
                index = target.get_index() if target else None
                if index is not None:
                    entries.append((index + 1, text_of(pdfium_c.FPDFBookmark_GetTitle, item)[:200]))
        except pdfium.PdfiumError:
            # Without its outline a document only lacks headings.
            return [], []
        entries.sort(key=lambda entry: entry[0])
        return [page for page, _ in entries], [title for _, title in entries]

    def _fact(self, key: str) -> str | None:
        read = pdfium_c.FPDF_GetMetaText
        return text_of(read, self._pdf, key.encode(), most=_MAX_FACT_BYTES) or None

    def _attachments(self) -> list[str]:
        count = min(self._pdf.count_attachments(), _MAX_ATTACHMENTS)
        try:
            attachments = (self._pdf.get_attachment(index) for index in range(count))
            return [text_of(pdfium_c.FPDFAttachment_GetName, found) for found in attachments]
        except pdfium.PdfiumError:
            return []
