"""What the steps of the retry ladder change when a document is read."""

from pathlib import Path

import pytest
from tests.unit.extraction.packages import pptx, shape
from tests.unit.extraction.pdfs import make_pdf
from tests.unit.extraction.reading import KeptReport, task_for

from docyard_common.delivery.ladder import Mode
from processor.stages.errors import DocumentTooLargeError
from processor.stages.extract import extract
from processor.stages.task import DocumentLimits


def test_a_careful_run_hands_over_every_page_alone(tmp_path: Path) -> None:
    report = KeptReport()

    result = extract(task_for(make_pdf(tmp_path / "a.pdf"), mode=Mode.CAREFUL), report)

    assert [(batch.first, batch.last) for batch in report.batches] == [(1, 1), (2, 2), (3, 3)]
    assert result.thumbnail is None


def test_a_plain_run_reads_the_page_that_killed_by_another_extractor(tmp_path: Path) -> None:
    report = KeptReport()

    result = extract(task_for(make_pdf(tmp_path / "a.pdf"), mode=Mode.PLAIN, first_page=2), report)

    assert [page.number for page in report.kept_pages()] == [2, 3]
    assert "page 2" in report.kept_pages()[0].text
    assert result.page_errors == ()


def test_the_only_page_that_killed_is_read_by_another_extractor(tmp_path: Path) -> None:
    """Positions of words tell who read it: pypdf has none."""
    path = make_pdf(tmp_path / "a.pdf", pages=1)
    known = {"options": {"words": True}, "pages_total": 1}
    report, spared = KeptReport(), KeptReport()

    extract(task_for(path).model_copy(update=known), report)
    extract(task_for(path, mode=Mode.PLAIN).model_copy(update=known), spared)

    assert report.kept_pages()[0].words
    assert spared.kept_pages()[0].words is None
    assert "page 1" in spared.text()


@pytest.mark.parametrize(
    ("pages_total", "first_page", "extractor"),
    [(None, 1, "pypdf"), (3, 1, "pypdfium2"), (None, 2, "pypdfium2")],
)
def test_a_document_that_nothing_could_open_is_opened_by_another_extractor(
    tmp_path: Path, pages_total: int | None, first_page: int, extractor: str
) -> None:
    """One whose pages were counted, or of which some were read, was opened well enough."""
    task = task_for(make_pdf(tmp_path / "a.pdf"), mode=Mode.PLAIN, first_page=first_page)
    report = KeptReport()

    result = extract(task.model_copy(update={"pages_total": pages_total}), report)

    assert result.extractor == extractor
    assert [page.number for page in report.kept_pages()] == list(range(first_page, 4))


def test_another_extractor_keeps_to_the_limits(tmp_path: Path) -> None:
    path = make_pdf(tmp_path / "a.pdf")

    with pytest.raises(DocumentTooLargeError):
        extract(task_for(path, mode=Mode.PLAIN, limits=DocumentLimits(max_pages=2)), KeptReport())


def test_without_another_extractor_that_page_is_listed_and_the_rest_is_read(
    tmp_path: Path,
) -> None:
    path = pptx(tmp_path / "a.pptx", shape("one"), shape("two"), shape("three"))
    report = KeptReport()

    result = extract(task_for(path, mode=Mode.PLAIN, first_page=2), report)

    assert [error.number for error in result.page_errors] == [2]
    assert [page.text for page in report.kept_pages()] == ["three"]


def test_a_document_of_one_page_is_read_in_any_mode(tmp_path: Path) -> None:
    report = KeptReport()

    extract(task_for(pptx(tmp_path / "a.pptx", shape("one")), mode=Mode.PLAIN), report)

    assert report.text() == "one"
