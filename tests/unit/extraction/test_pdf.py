from pathlib import Path

import pytest
from pypdf import PdfWriter
from reportlab.pdfgen.canvas import Canvas
from tests.unit.extraction.pdfs import encrypt, make_pdf, write_pdf
from tests.unit.extraction.reading import KeptReport, task_for

from processor.stages.errors import (
    DocumentTooLargeError,
    EncryptedDocumentError,
    UnreadableDocumentError,
)
from processor.stages.extract import extract
from processor.stages.task import DocumentLimits
from processor.stages.validate import validate


def test_pages_come_with_text_size_and_the_chapter_they_are_in(tmp_path: Path) -> None:
    report = KeptReport()

    result = extract(task_for(make_pdf(tmp_path / "a.pdf")), report)

    pages = report.kept_pages()
    assert [page.number for page in pages] == [1, 2, 3]
    assert "line 1 of page 2" in pages[1].text
    assert (pages[0].width, pages[0].height) == (300, 400)
    assert [page.heading for page in pages] == [None, "Chapter two", "Chapter two"]
    assert (result.page_count, result.extractor) == (3, "pypdfium2")
    assert result.metadata["Title"] == "A title"
    assert result.thumbnail is not None
    assert result.thumbnail[8:12] == b"WEBP"


def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    report = KeptReport()

    result = extract(task_for(make_pdf(tmp_path / "a.pdf", pages=5), first_page=4), report)

    assert [page.number for page in report.kept_pages()] == [4, 5]
    assert result.page_count == 5


def test_nothing_is_left_to_do_after_the_last_page(tmp_path: Path) -> None:
    report = KeptReport()

    result = extract(task_for(make_pdf(tmp_path / "a.pdf"), first_page=4), report)

    assert (report.batches, result.page_count, result.characters) == ([], 3, 0)


def test_batches_hold_64_pages_when_reading_is_quick(tmp_path: Path) -> None:
    report = KeptReport()

    extract(task_for(make_pdf(tmp_path / "a.pdf", pages=130)), report, clock=lambda: 0.0)

    assert [(b.first, b.last) for b in report.batches] == [(1, 64), (65, 128), (129, 130)]


def test_a_slow_page_is_handed_over_within_a_second(tmp_path: Path) -> None:
    report = KeptReport()
    seconds = iter(range(100))

    extract(task_for(make_pdf(tmp_path / "a.pdf")), report, clock=lambda: float(next(seconds)))

    assert [(batch.first, batch.last) for batch in report.batches] == [(1, 1), (2, 2), (3, 3)]


def test_a_password_is_encryption_and_an_empty_one_is_none(tmp_path: Path) -> None:
    locked = encrypt(make_pdf(tmp_path / "locked.pdf"), password="secret")
    unlocked = encrypt(make_pdf(tmp_path / "open.pdf"), password="")

    with pytest.raises(EncryptedDocumentError):
        validate(task_for(locked), KeptReport())
    assert validate(task_for(unlocked), KeptReport()).page_count == 3


def test_a_locked_document_says_nothing_about_the_next_one_of_its_child(tmp_path: Path) -> None:
    locked = encrypt(make_pdf(tmp_path / "locked.pdf"), password="secret")
    empty = tmp_path / "empty.pdf"
    PdfWriter().write(empty)

    for _ in range(2):
        with pytest.raises(EncryptedDocumentError):
            validate(task_for(locked), KeptReport())
        with pytest.raises(UnreadableDocumentError, match="no pages"):
            validate(task_for(empty), KeptReport())


def test_damage_beyond_both_readers_is_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(b"%PDF-1.7\n1 0 obj\nnothing that follows makes sense")

    with pytest.raises(UnreadableDocumentError):
        validate(task_for(path), KeptReport())


def test_what_the_first_reader_refuses_the_second_reads(tmp_path: Path) -> None:
    path = make_pdf(tmp_path / "a.pdf")
    path.write_bytes(path.read_bytes().replace(b"%PDF-", b"%...-", 1))
    report = KeptReport()

    result = extract(task_for(path), report)

    assert result.extractor == "pypdf"
    assert "page 3" in report.text()


def test_more_pages_than_allowed_are_refused(tmp_path: Path) -> None:
    path = make_pdf(tmp_path / "a.pdf", pages=5)

    with pytest.raises(DocumentTooLargeError):
        validate(task_for(path, limits=DocumentLimits(max_pages=4)), KeptReport())


def test_words_stand_where_the_page_shows_them(tmp_path: Path) -> None:
    # reportlab swaps the sides of a page that lies on its side.
    canvas = Canvas(str(tmp_path / "a.pdf"), pagesize=(400, 300))
    canvas.setPageRotation(90)
    canvas.drawString(30, 350, "Crane one")
    canvas.save()
    task = task_for(tmp_path / "a.pdf").model_copy(update={"options": {"words": True}})
    report = KeptReport()

    extract(task, report)
    (page,) = report.kept_pages()

    assert (page.width, page.height) == (400, 300)
    assert page.words is not None
    assert [word.text for word in page.words] == ["Crane", "one"]
    # Turned by a quarter, what was at the top is at the right, and lines run downwards.
    assert all(340 < word.left < word.right < 365 for word in page.words)
    assert page.words[0].bottom <= page.words[1].top


def test_words_are_left_out_unless_they_are_asked_for(tmp_path: Path) -> None:
    report = KeptReport()

    extract(task_for(make_pdf(tmp_path / "a.pdf")), report)

    assert {page.words for page in report.kept_pages()} == {None}


def test_values_of_form_fields_are_text(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "a.pdf"), pagesize=(300, 400))
    canvas.drawString(30, 350, "Berth:")
    canvas.acroForm.textfield(name="berth", value="Quay seven", x=80, y=340)
    canvas.save()
    report = KeptReport()

    extract(task_for(tmp_path / "a.pdf"), report)

    assert report.text() == "Berth:\nberth: Quay seven"


def test_half_a_surrogate_pair_in_a_name_costs_only_itself(tmp_path: Path) -> None:
    title = "\ufeffCrane \ud83d one".encode("utf-16-be", "surrogatepass")
    half = f"<{title.hex()}>"
    path = write_pdf(
        tmp_path / "a.pdf",
        "<< /Type /Catalog /Pages 3 0 R /Outlines 5 0 R /Names << /EmbeddedFiles 7 0 R >> >>",
        f"<< /Title {half} /Author (Keeper) >>",
        "<< /Type /Pages /Kids [4 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 3 0 R /MediaBox [0 0 300 400] >>",
        "<< /Type /Outlines /First 6 0 R /Last 6 0 R /Count 1 >>",
        f"<< /Title {half} /Parent 5 0 R /Dest [4 0 R /Fit] >>",
        "<< /Names [(a) 8 0 R] >>",
        f"<< /Type /Filespec /F {half} /UF {half} /EF << /F 9 0 R >> >>",
        "<< /Type /EmbeddedFile /Length 1 >> stream\nx\nendstream",
    )
    report = KeptReport()

    result = extract(task_for(path), report)

    assert result.extractor == "pypdfium2"
    assert [page.heading for page in report.kept_pages()] == ["Crane \ufffd one"]
    assert result.metadata["Title"] == "Crane \ufffd one"
    assert result.metadata["Author"] == "Keeper"
    assert result.metadata["attachments"] == ["Crane \ufffd one"]


def test_comments_on_what_is_drawn_on_a_page_are_text(tmp_path: Path) -> None:
    drawn = (
        "Caret", "Square", "Circle", "Line", "Polygon", "PolyLine", "Ink", "FileAttachment",
    )  # fmt: skip
    notes = "".join(
        f"<< /Type /Annot /Subtype /{kind} /Rect [9 9 99 99] /Contents (on {kind}) >>"
        for kind in (*drawn, "Link")
    )
    path = write_pdf(
        tmp_path / "a.pdf",
        "<< /Type /Catalog /Pages 3 0 R >>",
        "<< >>",
        "<< /Type /Pages /Kids [4 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 3 0 R /MediaBox [0 0 300 400] /Annots [{notes}] >>",
    )
    report = KeptReport()

    extract(task_for(path), report)

    assert report.text().splitlines() == [f"on {kind}" for kind in drawn]
