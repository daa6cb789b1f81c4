"""What stands on a PDF page beside its text: values of form fields, comments of readers."""

import ctypes
from collections.abc import Callable, Iterator
from typing import Any, Final

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from processor.extraction.cleaning import clean

_COMMENTS: Final = frozenset(
    {
        pdfium_c.FPDF_ANNOT_TEXT,
        pdfium_c.FPDF_ANNOT_FREETEXT,
        pdfium_c.FPDF_ANNOT_HIGHLIGHT,
        pdfium_c.FPDF_ANNOT_UNDERLINE,
        pdfium_c.FPDF_ANNOT_SQUIGGLY,
        pdfium_c.FPDF_ANNOT_STRIKEOUT,
        pdfium_c.FPDF_ANNOT_STAMP,
        pdfium_c.FPDF_ANNOT_CARET,
        pdfium_c.FPDF_ANNOT_SQUARE,
        pdfium_c.FPDF_ANNOT_CIRCLE,
        pdfium_c.FPDF_ANNOT_LINE,
        pdfium_c.FPDF_ANNOT_POLYGON,
        pdfium_c.FPDF_ANNOT_POLYLINE,
        pdfium_c.FPDF_ANNOT_INK,
        pdfium_c.FPDF_ANNOT_FILEATTACHMENT,
    }
)
_MAX_ANNOTATIONS: Final = 2_000
_MAX_BYTES: Final = 64 * 1024


def notes_of(pdf: pdfium.PdfDocument, page: pdfium.PdfPage) -> Iterator[str]:
    """Yield `name: value` of filled form fields, and the text of comments."""
    count = min(pdfium_c.FPDFPage_GetAnnotCount(page), _MAX_ANNOTATIONS)
    for index in range(count):
        annotation = pdfium_c.FPDFPage_GetAnnot(page, index)
        if not annotation:
            continue
        try:
            line = _line(pdf, annotation)
        finally:
            pdfium_c.FPDFPage_CloseAnnot(annotation)
        if line:
            yield line


def _line(pdf: pdfium.PdfDocument, annotation: Any) -> str:
    kind = pdfium_c.FPDFAnnot_GetSubtype(annotation)
    if kind == pdfium_c.FPDF_ANNOT_WIDGET and pdf.formenv is not None:
        form = pdf.formenv.raw
        value = text_of(pdfium_c.FPDFAnnot_GetFormFieldValue, form, annotation)
        name = text_of(pdfium_c.FPDFAnnot_GetFormFieldName, form, annotation)
        return f"{name}: {value}" if value and value != "Off" else ""
    if kind in _COMMENTS:
        return text_of(pdfium_c.FPDFAnnot_GetStringValue, annotation, b"Contents")
    return ""


def text_of(read: Callable[..., int], *about: Any, most: int = _MAX_BYTES) -> str:
    """Ask pdfium for a string: for its size first, then for its UTF-16, which may be damaged.

    Empty where it has more than *most* bytes.
    """
    size = read(*about, None, 0)
    if not 2 < size <= most:  # noqa: PLR2004 - 2 is nothing but the closing zero
        return ""
    buffer = ctypes.create_string_buffer(size)
    read(*about, ctypes.cast(buffer, ctypes.POINTER(pdfium_c.FPDF_WCHAR)), size)
    return clean(buffer.raw[: size - 2].decode("utf-16-le", "replace")).strip()
