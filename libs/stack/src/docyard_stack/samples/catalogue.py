"""The sets of samples: for the demonstration, for the tests, and for a burst of small work."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from docyard_stack.samples import (
    archives,
    images,
    letters,
    office,
    open_formats,
    outlook,
    pdfs,
    refused,
    texts,
)
from docyard_stack.samples.model import Sample

_SMALL: Final[tuple[tuple[str, Callable[[Path, int], Sample]], ...]] = (
    ("txt", lambda path, seed: texts.plain(path, seed=seed, paragraphs=3)),
    ("md", lambda path, seed: texts.markdown(path, seed=seed, sections=2)),
    ("html", lambda path, seed: texts.html(path, seed=seed)),
    ("json", lambda path, seed: texts.document_json(path, seed=seed)),
    ("csv", lambda path, seed: texts.table(path, seed=seed, rows=20)),
    ("pdf", lambda path, seed: pdfs.pdf(path, pages=1, seed=seed)),
)


def demo(folder: Path) -> list[Sample]:
    """Write what the demonstration uploads: seven documents that succeed, one that cannot."""
    folder.mkdir(parents=True, exist_ok=True)
    return [
        pdfs.pdf(folder / "harbour-report.pdf", pages=120, seed=1),
        pdfs.pdf(folder / "annual-review.pdf", pages=24, seed=2),
        texts.markdown(folder / "handbook.md", seed=3),
        texts.html(folder / "notices.html", seed=4),
        texts.table(folder / "crates.csv", seed=5, delimiter=";"),
        texts.german(folder / "lieferung.txt", seed=6),
        images.photograph(folder / "quay.jpg"),
        pdfs.truncated_pdf(folder / "broken-upload.pdf", seed=7),
    ]


def every(folder: Path) -> list[Sample]:
    """Write one sample of every kind: what completes, what fails, what is refused."""
    folder.mkdir(parents=True, exist_ok=True)
    return [*_completing(folder), *_failing(folder), *_refused(folder)]


def burst(folder: Path, count: int, *, seed: int = 0) -> list[Sample]:
    """Write *count* small documents (1 to 5 KB) of six formats in turn; each has its own words."""
    folder.mkdir(parents=True, exist_ok=True)
    samples = []
    for number in range(count):
        extension, write = _SMALL[number % len(_SMALL)]
        path = folder / f"small-{seed}-{number:05d}.{extension}"
        samples.append(write(path, 1_000_000 * (seed + 1) + number))
    return samples


def _completing(folder: Path) -> list[Sample]:
    return [
        pdfs.pdf(folder / "one-page.pdf", pages=1, seed=101),
        pdfs.pdf(folder / "twelve-pages.pdf", pages=12, seed=102),
        pdfs.pdf(folder / "big.pdf", pages=200, seed=103),
        pdfs.restricted_pdf(folder / "restricted.pdf", seed=104),
        pdfs.rotated_pdf(folder / "rotated.pdf", seed=105),
        pdfs.scanned_pdf(folder / "scanned.pdf", pages=2),
        texts.plain(folder / "letter.txt", seed=106),
        texts.plain(folder / "letter-utf16.txt", seed=107, encoding="utf-16"),
        texts.plain(folder / "letter-utf8-bom.txt", seed=108, encoding="utf-8-sig"),
        texts.german(folder / "brief-latin1.txt", seed=109),
        texts.markdown(folder / "manual.md", seed=110),
        texts.html(folder / "page.html", seed=111),
        texts.html(folder / "page-latin1.html", seed=112, charset="iso-8859-1"),
        texts.table(folder / "comma.csv", seed=113),
        texts.table(folder / "semicolon.csv", seed=114, delimiter=";"),
        texts.table(folder / "pipe.csv", seed=115, delimiter="|"),
        texts.table(folder / "tabs.tsv", seed=116),
        texts.document_json(folder / "nested.json", seed=117),
        texts.lines_json(folder / "lines.ndjson", seed=118),
        images.photograph(folder / "photograph.jpg"),
        images.drawing(folder / "drawing.png"),
        letters.mail(folder / "letter.eml", seed=119),
        letters.forwarded_mail(folder / "forwarded.eml", seed=120),
        outlook.message(folder / "message.msg", seed=121),
        archives.zip_archive(folder / "bundle.zip", seed=182),
        archives.tar_archive(folder / "bundle.tar", seed=183),
        archives.tar_archive(folder / "bundle.tar.gz", seed=184),
        archives.tar_archive(folder / "bundle.tar.bz2", seed=185),
        archives.tar_archive(folder / "bundle.tar.xz", seed=186),
        archives.tar_archive(folder / "bundle.tar.zst", seed=187),
        archives.packed_text(folder / "packedalone.txt.gz", seed=188),
        office.document(folder / "contract.docx", seed=122),
        office.workbook(folder / "crates.xlsx", seed=123),
        office.slides(folder / "briefing.pptx", seed=124),
        *_in_open_formats(folder),
        images.fax(folder / "fax.tiff"),
        images.animation(folder / "tide.gif"),
        images.animation(folder / "tide.webp"),
        images.bitmap(folder / "berth.bmp"),
    ]


def _in_open_formats(folder: Path) -> list[Sample]:
    return [
        open_formats.text_document(folder / "tides.odt", seed=125),
        open_formats.sheet_document(folder / "berths.ods", seed=126),
        open_formats.slide_document(folder / "talk.odp", seed=127),
        open_formats.book(folder / "pilots.epub", seed=128),
        open_formats.rich_text(folder / "rules.rtf", seed=129),
        open_formats.feed(folder / "feed.xml", seed=130),
    ]


def _failing(folder: Path) -> list[Sample]:
    return [
        pdfs.encrypted_pdf(folder / "encrypted.pdf", seed=201),
        pdfs.truncated_pdf(folder / "truncated.pdf", seed=202),
        pdfs.garbage_pdf(folder / "garbage.pdf"),
        images.pixel_bomb(folder / "pixel-bomb.png"),
        images.truncated_png(folder / "truncated.png"),
        open_formats.locked_document(folder / "locked.odt"),
        open_formats.laughing_feed(folder / "laughing.xml"),
        office.truncated_document(folder / "truncated.docx", seed=203),
        office.entity_bomb(folder / "entity-bomb.xlsx", seed=204),
        office.inflating_workbook(folder / "inflating.xlsx", seed=205),
    ]


def _refused(folder: Path) -> list[Sample]:
    return [
        refused.empty(folder / "empty.txt"),
        refused.pdf_named_otherwise(folder / "really-a-pdf.png"),
        refused.pdf_declared_otherwise(folder / "declared-a-picture.pdf"),
        refused.text_named_picture(folder / "really-text.jpg"),
        refused.program(folder / "program.exe"),
        refused.archive(folder / "bundle.7z"),
    ]
