"""PPTX: a slide is a page, with its notes and without what is stored twice."""

from pathlib import Path

import pytest
from tests.unit.extraction.packages import A, P, pptx, rels, shape
from tests.unit.extraction.reading import KeptReport, task_for

from docyard_common.errors import FailureReason, PermanentError
from docyard_common.events.stages import Stage
from processor.stages.analyze import analyze
from processor.stages.extract import extract
from processor.stages.task import DocumentLimits
from processor.stages.validate import validate


def test_slides_are_pages_with_their_titles_as_headings(tmp_path: Path) -> None:
    path = pptx(tmp_path / "a.pptx", shape("Plan", "title") + shape("text"), shape("more"))
    report = KeptReport()

    extract(task_for(path), report)

    assert [(page.text, page.heading) for page in report.kept_pages()] == [
        ("Plan\ntext", "Plan"),
        ("more", None),
    ]


def test_reading_goes_on_at_a_later_slide(tmp_path: Path) -> None:
    path = pptx(tmp_path / "a.pptx", shape("one"), shape("two"), shape("three"))
    report = KeptReport()

    extract(task_for(path, first_page=3), report)

    assert [(page.number, page.text) for page in report.kept_pages()] == [(3, "three")]


def test_tables_notes_and_alternatives_are_read_once(tmp_path: Path) -> None:
    cell = "<a:tc><a:txBody><a:p><a:r><a:t>{}</a:t></a:r></a:p></a:txBody></a:tc>"
    table = f"<a:tbl><a:tr>{cell.format('left')}{cell.format('right')}</a:tr></a:tbl>"
    twice = (
        f"<mc:AlternateContent><mc:Choice>{shape('formula')}</mc:Choice>"
        f"<mc:Fallback>{shape('formula')}</mc:Fallback></mc:AlternateContent>"
    )
    notes = f'<p:notes xmlns:p="{P}" xmlns:a="{A}">{shape("said")}{shape("7", "sldNum")}</p:notes>'
    path = pptx(
        tmp_path / "a.pptx",
        table + twice,
        parts={
            "ppt/slides/_rels/slide1.xml.rels": rels(("notesSlide", "../notesSlides/n1.xml")),
            "ppt/notesSlides/n1.xml": notes,
        },
    )
    report = KeptReport()

    extract(task_for(path), report)

    assert report.text() == "left\tright\nformula\nsaid"


def test_a_bad_slide_is_listed_and_the_others_are_read(tmp_path: Path) -> None:
    path = pptx(
        tmp_path / "a.pptx", shape("one"), shape("two"), parts={"ppt/slides/slide1.xml": "<p:sld"}
    )

    result = extract(task_for(path), KeptReport())

    assert [error.number for error in result.page_errors] == [1]
    assert result.page_count == 2


def test_too_many_slides_are_refused(tmp_path: Path) -> None:
    path = pptx(tmp_path / "a.pptx", shape("one"), shape("two"))

    with pytest.raises(PermanentError) as failed:
        extract(task_for(path, limits=DocumentLimits(max_pages=1)), KeptReport())

    assert failed.value.reason is FailureReason.TOO_LARGE


def test_a_presentation_without_slides_is_an_empty_document(tmp_path: Path) -> None:
    path = pptx(tmp_path / "a.pptx")
    report = KeptReport()

    validated = validate(task_for(path), KeptReport())
    result = extract(task_for(path), report)
    analyzed = analyze(task_for(path, stage=Stage.ANALYZE), KeptReport())

    assert (validated.page_count, result.page_count, report.batches) == (0, 0, [])
    assert (analyzed.analysis.language, analyzed.excerpt) == (None, "")


def test_slides_that_are_listed_and_missing_make_it_unreadable(tmp_path: Path) -> None:
    presentation = (
        f'<p:presentation xmlns:p="{P}"><p:sldIdLst><p:sldId id="256"/></p:sldIdLst>'
        "</p:presentation>"
    )
    path = pptx(tmp_path / "a.pptx", parts={"ppt/presentation.xml": presentation})

    with pytest.raises(PermanentError) as failed:
        extract(task_for(path), KeptReport())

    assert failed.value.reason is FailureReason.UNREADABLE_DOCUMENT
