"""Pages that are pictures of words."""

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

WORDS = "Harbour master"


def picture_of(words: str) -> Image.Image:
    picture = Image.new("L", (900, 160), color=255)
    ImageDraw.Draw(picture).text((40, 40), words, fill=0, font=ImageFont.load_default(64))
    return picture


def scan(path: Path, *, pages: int = 1) -> Path:
    canvas = Canvas(str(path), pagesize=(450, 80))
    for _ in range(pages):
        canvas.drawImage(ImageReader(picture_of(WORDS)), 0, 0, width=450, height=80)
        canvas.showPage()
    canvas.save()
    return path
