"""PDF samples: any number of pages, each with a word of its own; encrypted, scanned and broken."""

import io
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw
from reportlab.lib.pagesizes import A4
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.utils import ImageReader, simpleSplit
from reportlab.pdfgen.canvas import Canvas

from docyard_common.errors import FailureReason
from docyard_stack.samples import prose
from docyard_stack.samples.model import Outcome, Sample

PDF: Final = "application/pdf"
_FONT: Final = "Helvetica"
_MARGIN_PT: Final = 56
_LINE_PT: Final = 15
_PARAGRAPHS_PER_PAGE: Final = 4


def pdf(
    path: Path, *, pages: int, seed: int = 0, encryption: StandardEncryption | None = None
) -> Sample:
    """Write a PDF of *pages* text pages; the bytes depend on the arguments alone."""
    marks = tuple(prose.mark(seed, number) for number in range(1, pages + 1))
    canvas = Canvas(str(path), pagesize=A4, invariant=True, pageCompression=1, encrypt=encryption)
    canvas.setTitle(f"Harbour report {seed}")
    canvas.setAuthor("Docyard samples")
    for number, mark in enumerate(marks, start=1):
        _draw_page(canvas, number=number, seed=seed, mark=mark)
    canvas.save()
    return Sample(path, PDF, words=marks[:1], page_count=pages, page_words=marks, language="en")


def encrypted_pdf(path: Path, *, seed: int = 0) -> Sample:
    """Write a PDF that opens only with a password nobody gives."""
    lock = StandardEncryption("opens-nothing-here", ownerPassword="owner", strength=128)
    pdf(path, pages=2, seed=seed, encryption=lock)
    return Sample(path, PDF, Outcome.FAILED, FailureReason.ENCRYPTED_DOCUMENT)


def restricted_pdf(path: Path, *, seed: int = 0) -> Sample:
    """Write a PDF that is encrypted for printing and editing, and that anybody may read."""
    lock = StandardEncryption("", ownerPassword="owner", canPrint=0, canModify=0, strength=128)
    return pdf(path, pages=2, seed=seed, encryption=lock)


def truncated_pdf(path: Path, *, seed: int = 0) -> Sample:
    """Write the first part of a PDF: its page tree and cross references never arrived."""
    pdf(path, pages=6, seed=seed)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 3])
    return Sample(path, PDF, Outcome.FAILED, FailureReason.UNREADABLE_DOCUMENT)


def garbage_pdf(path: Path) -> Sample:
    """Write a file that has the header of a PDF and nothing of its body."""
    path.write_bytes(b"%PDF-1.7\n" + bytes(range(256)) * 16)
    return Sample(path, PDF, Outcome.FAILED, FailureReason.UNREADABLE_DOCUMENT)


def scanned_pdf(path: Path, *, pages: int) -> Sample:
    """Write a PDF whose pages are pictures: it has no text layer at all."""
    canvas = Canvas(str(path), pagesize=A4, invariant=True)
    for number in range(1, pages + 1):
        canvas.drawImage(ImageReader(_picture_of_a_page(number)), 0, 0, width=A4[0], height=A4[1])
        canvas.showPage()
    canvas.save()
    return Sample(path, PDF, page_count=pages)


def rotated_pdf(path: Path, *, seed: int = 0) -> Sample:
    """Write a PDF whose pages are declared to be shown turned by 90, 180 and 270 degrees."""
    marks = tuple(prose.mark(seed, number) for number in (1, 2, 3))
    canvas = Canvas(str(path), pagesize=A4, invariant=True)
    for number, mark in enumerate(marks, start=1):
        # reportlab swaps the sides of a page that lies on its side: swapped here, the text fits.
        canvas.setPageSize((A4[1], A4[0]) if number % 2 else A4)
        canvas.setPageRotation(90 * number)
        _draw_page(canvas, number=number, seed=seed, mark=mark)
    canvas.save()
    return Sample(path, PDF, words=marks[:1], page_count=3, page_words=marks, language="en")


def _draw_page(canvas: Canvas, *, number: int, seed: int, mark: str) -> None:
    width, height = A4
    canvas.setFont(f"{_FONT}-Bold", 14)
    canvas.drawString(_MARGIN_PT, height - _MARGIN_PT, f"Harbour report, part {number}")
    canvas.setFont(_FONT, 10)
    y = height - 2 * _MARGIN_PT
    for index in range(_PARAGRAPHS_PER_PAGE):
        text = prose.paragraph(
            seed * 100_003 + number * 11 + index, mentioning=mark if index == 0 else None
        )
        for line in simpleSplit(text, _FONT, 10, width - 2 * _MARGIN_PT):
            canvas.drawString(_MARGIN_PT, y, line)
            y -= _LINE_PT
        y -= _LINE_PT
    canvas.showPage()


def _picture_of_a_page(number: int) -> io.BytesIO:
    page = Image.new("L", (595, 842), color=250)
    draw = ImageDraw.Draw(page)
    for line in range(60, 780, 24):
        draw.rectangle((60, line, 300 + (line * number) % 230, line + 8), fill=60)
    data = io.BytesIO()
    page.save(data, "PNG")
    data.seek(0)
    return data
