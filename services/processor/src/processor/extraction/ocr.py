"""Text out of pictures by the program `tesseract`, a page at a time, where it is installed."""

import csv
import io
import logging
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from PIL import Image

from docyard_common.artifacts import Word
from processor.extraction import tesseract
from processor.extraction.thumbnails import in_shown_shades

logger = logging.getLogger(__name__)

MAX_PIXELS: Final = 12_000_000
"""A page of A4 at 300 dots per inch has 8.7 million; more costs seconds and reads no better."""
_MIN_PIXELS: Final = 400
"""Smaller pictures are icons and rules."""
_WAITS_PER_SECOND: Final = 2
"""How long is waited for a second of processor time."""
_LISTING_SECONDS: Final = 120.0
_WORD_LEVEL: Final = "5"
_MIN_CONFIDENCE: Final = 0.3
"""Below, what was read is as likely the grain of a photograph."""
_LANGUAGES: Final = re.compile(r"[A-Za-z_]{3,20}(?:/[A-Za-z_]{3,20})?")


@dataclass(frozen=True)
class Recognised:
    """What was read in a picture; positions in its pixels."""

    text: str
    words: tuple[Word, ...]


@dataclass
class Ocr:
    """Reads the pictures of one document in *languages*, by their ISO 639-2 names."""

    languages: tuple[str, ...]
    seconds: float  # of processor time for all of them; what is left then stays unread
    pages: int = field(default=0, init=False)  # that were looked at
    unread: int = field(default=0, init=False)  # that were not, or in vain
    patience_s: float = field(init=False)
    """What is left of the waiting, halts apart: where others have the processors, the time limit of
    the whole document would end it all with the text that was read until then."""

    def __post_init__(self) -> None:
        self.patience_s = self.seconds * _WAITS_PER_SECOND

    @property
    def facts(self) -> dict[str, object] | None:
        """What the metadata of the document says of it."""
        if not self.pages + self.unread:
            return None
        return {"pages": self.pages, "unread": self.unread, "languages": list(self.languages)}

    def read(self, picture: Image.Image) -> Recognised | None:
        """Return the text of *picture*; None where tesseract fails or takes too long.

        The picture is shrunk to 12 million pixels. Positions are those of the picture as given.
        """
        if picture.width * picture.height < _MIN_PIXELS:
            return None
        before, waited = tesseract.spent_s(), tesseract.waited_s()
        is_due = self.seconds > 0 and self.patience_s > 0
        table = _run(picture, self.languages) if is_due else None
        self.seconds -= tesseract.spent_s() - before
        self.patience_s -= tesseract.waited_s() - waited
        self.pages += table is not None
        self.unread += table is None
        return table


def find_ocr(wanted: str, seconds: float) -> Ocr | None:
    """Return a reader of the languages in *wanted* (`eng+deu`) that are installed.

    None where tesseract or all of the languages are missing: then pictures have no text.
    """
    installed = installed_languages()
    found = [name for name in _LANGUAGES.findall(wanted) if name in installed]
    return Ocr(tuple(found), seconds) if found else None


@cache
def installed_languages() -> frozenset[str]:
    """Return what tesseract can read; nothing where it is not installed. Asked once a process."""
    program = shutil.which("tesseract")
    if program is None:
        logger.info("ocr.missing")
        return frozenset()
    try:
        listed = subprocess.run(  # noqa: S603 - a fixed command
            [program, "--list-langs"], capture_output=True, timeout=_LISTING_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        logger.warning("ocr.broken")
        return frozenset()
    return frozenset(listed.stdout.decode("utf-8", "replace").split("\n"))


def _run(picture: Image.Image, languages: tuple[str, ...]) -> Recognised | None:
    data, scale = _prepared(picture)
    table = tesseract.read(data, languages)
    return None if table is None else _recognised(table.decode("utf-8", "replace"), scale)


def _prepared(picture: Image.Image) -> tuple[bytes, float]:
    """Return a grey copy as PPM, and by how much its positions must be stretched."""
    shown = in_shown_shades(picture)
    grey = _on_white(shown) if shown.has_transparency_data else shown.convert("L")
    scale = max(1.0, (grey.width * grey.height / MAX_PIXELS) ** 0.5)
    if scale > 1.0:
        grey = grey.resize((max(1, int(grey.width / scale)), max(1, int(grey.height / scale))))
    data = io.BytesIO()
    grey.save(data, "PPM")
    return data.getvalue(), scale


def _on_white(picture: Image.Image) -> Image.Image:
    shades = picture.convert("RGBA").convert("LA")
    page = Image.new("L", picture.size, color=255)
    page.paste(shades.getchannel("L"), mask=shades.getchannel("A"))
    return page


def _recognised(table: str, scale: float) -> Recognised:
    lines: dict[tuple[str, str, str], list[str]] = {}
    words: list[Word] = []
    for row in _rows(table):
        place = (row["block_num"], row["par_num"], row["line_num"])
        lines.setdefault(place, []).append(row["text"])
        words.append(_word(row, scale))
    text = io.StringIO()
    paragraph: tuple[str, ...] = ()
    for place, line in lines.items():
        if paragraph and paragraph != place[:2]:
            text.write("\n")
        paragraph = place[:2]
        text.write(" ".join(line) + "\n")
    return Recognised(text.getvalue().strip("\n"), tuple(words))


def _rows(table: str) -> Iterator[dict[str, str]]:
    for row in csv.DictReader(io.StringIO(table), delimiter="\t", quoting=csv.QUOTE_NONE):
        is_word = row["level"] == _WORD_LEVEL and (row["text"] or "").strip()
        if is_word and float(row["conf"]) >= _MIN_CONFIDENCE * 100:
            yield row


def _word(row: dict[str, str], scale: float) -> Word:
    left, top = int(row["left"]) * scale, int(row["top"]) * scale
    return Word(
        text=row["text"],
        left=left,
        top=top,
        right=left + int(row["width"]) * scale,
        bottom=top + int(row["height"]) * scale,
        confidence=float(row["conf"]) / 100,
    )
