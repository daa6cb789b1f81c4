"""PDFs made for tests."""

from io import BytesIO
from pathlib import Path

from pypdf import PdfReader, PdfWriter
from reportlab.pdfgen.canvas import Canvas


def make_pdf(path: Path, *, pages: int = 3, lines: int = 3) -> Path:
    """Write a PDF whose pages say their number; page 2 opens a chapter in the outline."""
    canvas = Canvas(str(path), pagesize=(300, 400))
    canvas.setTitle("A title")
    for number in range(1, pages + 1):
        if number == 2:
            canvas.bookmarkPage("second")
            canvas.addOutlineEntry("Chapter two", "second")
        for line in range(lines):
            canvas.drawString(20, 380 - 12 * line, f"This is line {line} of page {number}.")
        canvas.showPage()
    canvas.save()
    return path


def encrypt(path: Path, *, password: str) -> Path:
    writer = PdfWriter(clone_from=PdfReader(BytesIO(path.read_bytes())))
    writer.encrypt(password, owner_password="owner", algorithm="RC4-128")
    with path.open("wb") as file:
        writer.write(file)
    return path


def write_pdf(path: Path, *objects: str) -> Path:
    """Write *objects*, numbered from 1: the root, what the document says of itself, the rest.

    Readers find them without a table of where they are.
    """
    numbered = (f"{number} 0 obj\n{inside}\nendobj\n" for number, inside in enumerate(objects, 1))
    path.write_text(f"%PDF-1.7\n{''.join(numbered)}trailer << /Root 1 0 R /Info 2 0 R >>\n%%EOF\n")
    return path
