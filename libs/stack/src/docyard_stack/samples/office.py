"""Office samples, written by the libraries that people write them with."""

import datetime as dt
import io
import re
import zipfile
from pathlib import Path
from typing import Final

import docx
import openpyxl
import pptx

from docyard_common.errors import FailureReason
from docyard_stack.samples import prose
from docyard_stack.samples.model import Outcome, Sample

DOCX: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PPTX: Final = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_TITLE_AND_TEXT: Final = 1  # number of a layout in the template of python-pptx
_WRITTEN: Final = (2026, 3, 14, 9, 26, 52)
_STAMP: Final = b"2026-03-14T09:26:52Z"
_TIMES: Final = re.compile(rb'(<dcterms:(?:created|modified)[^>]*>|w:date=")[^<"]*')
_STAMPED: Final = frozenset({"docProps/core.xml", "word/comments.xml"})


def document(path: Path, *, seed: int = 0, sections: int = 3) -> Sample:
    """Write a DOCX with headings, a table, a comment, a header and a footer."""
    marks = tuple(prose.mark(seed, number) for number in range(1, sections + 5))
    paper = docx.Document()
    paper.add_heading("Contract of carriage", 0)
    for number in range(1, sections + 1):
        paper.add_heading(f"Section {number}", 1)
        text = prose.paragraph(seed * 1_009 + number, mentioning=marks[number - 1])
        paragraph = paper.add_paragraph(text)
    *_, in_table, in_comment, in_header, in_footer = marks
    table = paper.add_table(rows=2, cols=2)
    for cell, word in zip(table.columns[1].cells, ("reference", in_table), strict=True):
        cell.text = word
    paper.add_comment(paragraph.runs, text=in_comment, author="Mira Castell")
    paper.sections[0].header.paragraphs[0].text = in_header
    paper.sections[0].footer.paragraphs[0].text = in_footer
    paper.core_properties.title = f"Contract {seed}"
    paper.core_properties.author = "Docyard samples"
    data = io.BytesIO()
    paper.save(data)
    _settle(path, data)
    return Sample(path, DOCX, words=marks, language="en")


def workbook(path: Path, *, seed: int = 0, rows: int = 40) -> Sample:
    """Write an XLSX with dates and sums on one sheet and remarks on another, which is hidden."""
    marks = tuple(prose.mark(seed, number) for number in range(1, rows + 2))
    book = openpyxl.Workbook()
    crates = book.active
    crates.title = "Crates"
    crates.append(["crate", "reference", "left", "weight"])
    for number in range(1, rows + 1):
        day = dt.date(2026, 3, 1) + dt.timedelta(days=number)
        crates.append([f"A-{number}", marks[number - 1], day, number * 2.5])
    hidden = book.create_sheet("Remarks")
    hidden.sheet_state = "hidden"
    hidden["B2"] = marks[-1]
    data = io.BytesIO()
    book.save(data)
    _settle(path, data)
    return Sample(path, XLSX, words=(marks[0], marks[-2], marks[-1], "2026-03-02"))


def slides(path: Path, *, seed: int = 0, count: int = 5) -> Sample:
    """Write a PPTX whose slides have a title, a text and notes for the speaker."""
    marks = tuple(prose.mark(seed, number) for number in range(1, 2 * count + 1))
    show = pptx.Presentation()
    for number in range(1, count + 1):
        slide = show.slides.add_slide(show.slide_layouts[_TITLE_AND_TEXT])
        slide.shapes.title.text = f"Part {number}"
        slide.placeholders[1].text = prose.paragraph(seed + number, mentioning=marks[number - 1])
        slide.notes_slide.notes_text_frame.text = marks[count + number - 1]
    data = io.BytesIO()
    show.save(data)
    _settle(path, data)
    page_words = marks[:count]
    return Sample(
        path, PPTX, words=marks[count:], page_count=count, page_words=page_words, language="en"
    )


def truncated_document(path: Path, *, seed: int = 0) -> Sample:
    """Write the first half of a DOCX: the directory at its end never arrived."""
    document(path, seed=seed)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    return Sample(path, DOCX, Outcome.FAILED, FailureReason.UNREADABLE_DOCUMENT)


def entity_bomb(path: Path, *, seed: int = 0) -> Sample:
    """Write an XLSX whose only cell would unfold into a thousand million words."""
    workbook(path, seed=seed)
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 9))
    declared = f'<!DOCTYPE worksheet [<!ENTITY l0 "lol">{levels}]>'
    rows = '<sheetData><row><c t="inlineStr"><is><t>&l8;</t></is></c></row></sheetData>'
    sheet = f'{declared}<worksheet xmlns="{_MAIN}">{rows}</worksheet>'
    _replace(path, "xl/worksheets/sheet1.xml", sheet.encode())
    return Sample(path, XLSX, Outcome.FAILED, FailureReason.DECOMPRESSION_LIMIT)


def inflating_workbook(path: Path, *, seed: int = 0) -> Sample:
    """Write an XLSX of some hundred KB whose sheet inflates into 100 MB of blanks."""
    workbook(path, seed=seed)
    _replace(path, "xl/worksheets/sheet1.xml", b" " * 100_000_000)
    return Sample(path, XLSX, Outcome.FAILED, FailureReason.DECOMPRESSION_LIMIT)


def _settle(path: Path, written: io.BytesIO) -> None:
    """Pack again with one time for everything: the libraries write the time of day into it."""
    with zipfile.ZipFile(written) as old, zipfile.ZipFile(path, "w") as new:
        for info in old.infolist():
            data = old.read(info)
            if info.filename in _STAMPED:
                data = _TIMES.sub(rb"\g<1>" + _STAMP, data)
            member = zipfile.ZipInfo(info.filename, _WRITTEN)
            new.writestr(member, data, zipfile.ZIP_DEFLATED)


def _replace(path: Path, name: str, data: bytes) -> None:
    """Put other bytes in the place of a part."""
    with zipfile.ZipFile(path) as old:
        parts = {info.filename: old.read(info) for info in old.infolist()}
    with zipfile.ZipFile(path, "w") as new:
        for part, content in (parts | {name: data}).items():
            new.writestr(zipfile.ZipInfo(part, _WRITTEN), content, zipfile.ZIP_DEFLATED)
