"""Pages of a PDF that are pictures, looked at: drawn as grey pixels, then read by OCR."""

import math
from typing import Final

import pypdfium2 as pdfium

from docyard_common.artifacts import Word
from processor.extraction.cleaning import clean
from processor.extraction.ocr import MAX_PIXELS, Ocr, Recognised

_POINTS_PER_INCH: Final = 72
_DOTS_PER_INCH: Final = 300
"""What tesseract was trained for; at half of it small print is lost."""


def look_at(page: pdfium.PdfPage, ocr: Ocr) -> Recognised | None:
    """Return the text of what *page* shows, in points; None where it shows nothing or is not read.

    Raises PdfiumError for a page that can not be drawn.
    """
    width, height = page.get_size()
    # Damage gives pages no extent, or an endless one.
    if not (0 < width < math.inf and 0 < height < math.inf):
        return None
    if next(page.get_objects(max_depth=1), None) is None:
        return None
    scale = _DOTS_PER_INCH / _POINTS_PER_INCH
    scale = min(scale, (MAX_PIXELS / max(width * height, 1.0)) ** 0.5)
    found = ocr.read(page.render(scale=scale, grayscale=True).to_pil())
    if found is None:
        return None
    return Recognised(clean(found.text), tuple(_in_points(word, scale) for word in found.words))


def _in_points(word: Word, scale: float) -> Word:
    return word.model_copy(
        update={
            "left": word.left / scale,
            "top": word.top / scale,
            "right": word.right / scale,
            "bottom": word.bottom / scale,
        }
    )
