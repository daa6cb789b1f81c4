"""Samples of open formats, written part by part: OpenDocument, EPUB, RTF and XML."""

import zipfile
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

from docyard_common.errors import FailureReason
from docyard_stack.samples import prose
from docyard_stack.samples.model import Outcome, Sample

ODT: Final = "application/vnd.oasis.opendocument.text"
ODS: Final = "application/vnd.oasis.opendocument.spreadsheet"
ODP: Final = "application/vnd.oasis.opendocument.presentation"
EPUB: Final = "application/epub+zip"
_WRITTEN: Final = (2026, 3, 14, 9, 26, 52)
_ODF: Final = "urn:oasis:names:tc:opendocument:xmlns"
_NAMESPACES: Final = " ".join(
    f'xmlns:{prefix}="{_ODF}:{name}:1.0"'
    for prefix, name in (
        ("office", "office"),
        ("text", "text"),
        ("table", "table"),
        ("draw", "drawing"),
    )
)


def text_document(path: Path, *, seed: int = 0) -> Sample:
    """Write an ODT with a heading, prose and a footnote."""
    in_text, in_note = prose.mark(seed, 1), prose.mark(seed, 2)
    note = f"<text:note><text:note-body><text:p>{in_note}</text:p></text:note-body></text:note>"
    body = (
        '<office:text><text:h text:outline-level="1">Tides</text:h>'
        f"<text:p>{escape(prose.paragraph(seed, mentioning=in_text))}{note}</text:p></office:text>"
    )
    _write(path, _odf(ODT, body))
    return Sample(path, ODT, words=(in_text, in_note), language="en")


def sheet_document(path: Path, *, seed: int = 0, rows: int = 10) -> Sample:
    """Write an ODS whose last row is declared to repeat a million times, and is empty."""
    marks = [prose.mark(seed, number) for number in range(1, rows + 1)]
    cells = "".join(
        f"<table:table-row><table:table-cell><text:p>{mark}</text:p></table:table-cell>"
        "</table:table-row>"
        for mark in marks
    )
    empty = '<table:table-row table:number-rows-repeated="1048000"><table:table-cell/>'
    body = (
        f'<office:spreadsheet><table:table table:name="Berths">{cells}{empty}</table:table-row>'
        "</table:table></office:spreadsheet>"
    )
    _write(path, _odf(ODS, body))
    return Sample(path, ODS, words=(marks[0], marks[-1]), page_count=1)


def slide_document(path: Path, *, seed: int = 0, count: int = 3) -> Sample:
    """Write an ODP with one text on each slide."""
    marks = tuple(prose.mark(seed, number) for number in range(1, count + 1))
    slides = "".join(
        f'<draw:page draw:name="Slide {number}"><draw:frame><draw:text-box>'
        f"<text:p>{mark}</text:p></draw:text-box></draw:frame></draw:page>"
        for number, mark in enumerate(marks, start=1)
    )
    _write(path, _odf(ODP, f"<office:presentation>{slides}</office:presentation>"))
    return Sample(path, ODP, words=marks[:1], page_count=count, page_words=marks)


def locked_document(path: Path) -> Sample:
    """Write an ODT whose manifest says that its content is encrypted."""
    parts = _odf(ODT, "<office:text/>")
    parts["META-INF/manifest.xml"] = (
        f'<m:manifest xmlns:m="{_ODF}:manifest:1.0"><m:file-entry m:full-path="content.xml">'
        "<m:encryption-data/></m:file-entry></m:manifest>"
    )
    _write(path, parts)
    return Sample(path, ODT, Outcome.FAILED, FailureReason.ENCRYPTED_DOCUMENT)


def book(path: Path, *, seed: int = 0, chapters: int = 3) -> Sample:
    """Write an EPUB whose chapters are read in the order of its spine, not of their names."""
    marks = tuple(prose.mark(seed, number) for number in range(1, chapters + 1))
    names = [f"part-{chapters - number}.xhtml" for number in range(chapters)]
    items = "".join(
        f'<item id="i{number}" href="{name}" media-type="application/xhtml+xml"/>'
        for number, name in enumerate(names)
    )
    spine = "".join(f'<itemref idref="i{number}"/>' for number in range(chapters))
    parts = {
        "mimetype": EPUB,
        "META-INF/container.xml": (
            '<container><rootfiles><rootfile full-path="OPS/book.opf"/></rootfiles></container>'
        ),
        "OPS/book.opf": (
            '<package><metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Pilots'
            f"</dc:title></metadata><manifest>{items}</manifest><spine>{spine}</spine></package>"
        ),
    }
    for name, mark in zip(names, marks, strict=True):
        text = escape(prose.paragraph(seed, mentioning=mark))
        parts[f"OPS/{name}"] = f"<html><body><h1>Chapter</h1><p>{text}</p></body></html>"
    _write(path, parts)
    return Sample(path, EPUB, words=marks, page_count=chapters, page_words=marks, language="en")


def rich_text(path: Path, *, seed: int = 0) -> Sample:
    """Write RTF of two pages with letters outside of ASCII."""
    marks = tuple(prose.mark(seed, number) for number in (1, 2))
    path.write_text(
        r"{\rtf1\ansi\ansicpg1252{\info{\title Quay rules}}"
        rf"\b {marks[0]}\b0  caf\'e9 \u8364?\par \page {marks[1]}\par}}",
        encoding="ascii",
    )
    return Sample(path, "application/rtf", words=marks, page_count=2, page_words=marks)


def feed(path: Path, *, seed: int = 0) -> Sample:
    """Write XML with a declared entity, which stays as it is written, and one that names a file."""
    mark = prose.mark(seed, 1)
    path.write_text(
        '<?xml version="1.0"?><!DOCTYPE feed [<!ENTITY office "Harbour office">'
        '<!ENTITY secret SYSTEM "file:///etc/passwd">]>'
        f"<feed><title>Notices</title><entry>{mark} &office; &secret;</entry></feed>",
        encoding="utf-8",
    )
    return Sample(path, "application/xml", words=(mark, "&secret;"))


def laughing_feed(path: Path) -> Sample:
    """Write XML whose entities are made of each other: a thousand million words of them."""
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 9))
    path.write_text(f'<!DOCTYPE feed [<!ENTITY l0 "lol">{levels}]><feed>&l8;</feed>', "utf-8")
    return Sample(path, "application/xml", Outcome.FAILED, FailureReason.DECOMPRESSION_LIMIT)


def _odf(media_type: str, body: str) -> dict[str, str]:
    content = f"<office:document-content {_NAMESPACES}><office:body>{body}</office:body>"
    return {"mimetype": media_type, "content.xml": f"{content}</office:document-content>"}


def _write(path: Path, parts: dict[str, str]) -> None:
    """Pack the parts; the first, which names the type, is not compressed."""
    with zipfile.ZipFile(path, "w") as container:
        for number, (name, content) in enumerate(parts.items()):
            how = zipfile.ZIP_DEFLATED if number else zipfile.ZIP_STORED
            container.writestr(zipfile.ZipInfo(name, _WRITTEN), content, how)
