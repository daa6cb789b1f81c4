"""Texts, mails and office documents that nest without an end, unfold, or are one endless line."""

import functools
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from tests.hostile.archives import zipped
from tests.hostile.model import (
    COMPLETED,
    MIB,
    TOO_LARGE,
    TOO_MUCH,
    UNREADABLE,
    Hostile,
)

from docyard_stack.samples import Sample, office, open_formats

_DEEP: Final = 100_000


def nested_mail(depth: int) -> bytes:
    """Return a letter in a letter in a letter, and so on."""
    heads = b"".join(
        b"Subject: %d\nContent-Type: message/rfc822\n\n" % level for level in range(depth)
    )
    return heads + b"Subject: innermost\nContent-Type: text/plain\n\nharbour\n"


def swollen(sample: Sample, part: str) -> bytes:
    """Return that office document with 256 mebibytes of blanks behind its *part*."""
    with zipfile.ZipFile(sample.path) as archive:
        return zipped({name: archive.read(name) for name in archive.namelist()}, swollen=part)


def bombs() -> Iterator[Hostile]:
    """Return one of each office format; the part that is swollen holds its text."""
    for name, write, part in (
        ("bomb.docx", office.document, "word/document.xml"),
        ("bomb.xlsx", office.workbook, "xl/worksheets/sheet1.xml"),
        ("bomb.pptx", office.slides, "ppt/slides/slide1.xml"),
        ("bomb.odt", open_formats.text_document, "content.xml"),
        ("bomb.ods", open_formats.sheet_document, "content.xml"),
        ("bomb.odp", open_formats.slide_document, "content.xml"),
        ("bomb.epub", open_formats.book, "OPS/part-1.xhtml"),
    ):
        yield Hostile(name, functools.partial(_swollen, name, write, part), (TOO_MUCH, COMPLETED))


def _swollen(name: str, write: Callable[[Path], Sample], part: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return swollen(write(Path(folder, name)), part)


def repeated_cells() -> bytes:
    """Return a sheet of one cell that is declared to be a million rows of 16,384."""
    return _ods(
        '<table:table-row table:number-rows-repeated="1048576">'
        '<table:table-cell table:number-columns-repeated="16384" office:value-type="string">'
        "<text:p>harbour</text:p></table:table-cell></table:table-row>"
    )


def _ods(rows: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        sample = open_formats.sheet_document(Path(folder, "a.ods"))
        with zipfile.ZipFile(sample.path) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
    head, _, rest = parts["content.xml"].decode().partition("<table:table-row>")
    tail = rest[rest.rindex("</table:table>") :]
    return zipped(parts | {"content.xml": (head + rows + tail).encode()})


TEXTS: Final = (
    *bombs(),
    Hostile("repeated.ods", repeated_cells, (COMPLETED, TOO_LARGE, TOO_MUCH)),
    # The parser of browsers walks up from every element: a fifth of the depth is long enough.
    Hostile("deep.html", lambda: b"<div>" * (_DEEP // 5) + b"harbour", (COMPLETED, UNREADABLE)),
    Hostile(
        "deep.xml", lambda: b"<a>" * _DEEP + b"harbour" + b"</a>" * _DEEP, (COMPLETED, UNREADABLE)
    ),
    Hostile("deep.json", lambda: b"[" * _DEEP + b"1" + b"]" * _DEEP, (COMPLETED, UNREADABLE)),
    Hostile(
        "deep.rtf",
        lambda: b"{\\rtf1 " + b"{" * _DEEP + b"harbour" + b"}" * _DEEP + b"}",
        (COMPLETED, UNREADABLE),
    ),
    Hostile("deep.md", lambda: b"> " * _DEEP + b"harbour", (COMPLETED,)),
    Hostile("deep.eml", lambda: nested_mail(300), (COMPLETED,)),
    Hostile("wide.csv", lambda: b",".join([b"crate"] * 200_000), (COMPLETED, TOO_LARGE)),
    Hostile("endless-line.txt", lambda: b"harbour " * (MIB // 2), (COMPLETED,)),
    Hostile("one-word.txt", lambda: b"a" * (4 * MIB), (COMPLETED,)),
    Hostile("too-much.txt", lambda: b"harbour\n" * (8 * MIB), (TOO_LARGE, TOO_MUCH)),
)
