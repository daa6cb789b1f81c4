"""Where the words of a PDF page stand, as it is shown: turned pages are turned here, too."""

import ctypes
from collections.abc import Iterator
from typing import Any, Final

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from docyard_common.artifacts import Word
from processor.extraction.cleaning import clean

_STEPS: Final = 100
"""Steps per point: pdfium turns positions in whole numbers."""
_MAX_WORDS: Final = 50_000


def words_of(page: pdfium.PdfPage, textpage: pdfium.PdfTextPage) -> tuple[Word, ...]:
    """Return the words in reading order, in points from the top left corner of the page."""
    words = (
        _word(page, textpage, first, last)
        for (first, last), _ in zip(_spans(textpage), range(_MAX_WORDS), strict=False)
    )
    return tuple(word for word in words if word is not None)


def _spans(textpage: pdfium.PdfTextPage) -> Iterator[tuple[int, int]]:
    """Yield the first and last character of each run without space."""
    first: int | None = None
    count = textpage.count_chars()
    for index in range(count):
        code = pdfium_c.FPDFText_GetUnicode(textpage, index)
        if chr(code).isspace() or code == 0:
            if first is not None:
                yield first, index - 1
            first = None
        elif first is None:
            first = index
    if first is not None:
        yield first, count - 1


def _word(page: pdfium.PdfPage, textpage: pdfium.PdfTextPage, first: int, last: int) -> Word | None:
    text = clean(textpage.get_text_range(first, last - first + 1)).strip()
    if not text:
        return None
    boxes = [textpage.get_charbox(index) for index in {first, last}]
    left, right = min(box[0] for box in boxes), max(box[2] for box in boxes)
    bottom, top = min(box[1] for box in boxes), max(box[3] for box in boxes)
    corners = [_shown(page, left, top), _shown(page, right, bottom)]
    xs, ys = sorted(x for x, _ in corners), sorted(y for _, y in corners)
    return Word(text=text, left=xs[0], top=ys[0], right=xs[1], bottom=ys[1])


def _shown(page: pdfium.PdfPage, x: float, y: float) -> tuple[float, float]:
    width, height = page.get_size()
    shown_x, shown_y = ctypes.c_int(), ctypes.c_int()
    size: tuple[Any, ...] = (int(width * _STEPS), int(height * _STEPS))
    pdfium_c.FPDF_PageToDevice(page, 0, 0, *size, 0, x, y, shown_x, shown_y)
    return shown_x.value / _STEPS, shown_y.value / _STEPS
