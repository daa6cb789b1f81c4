"""What the steps of the retry ladder change when a document is read."""

from pathlib import Path

from tests.unit.extraction.packages import pptx, shape
from tests.unit.extraction.pdfs import make_pdf
from tests.unit.extraction.reading import KeptReport, task_for

from docyard_common.delivery.ladder import Mode
from processor.stages.extract import extract


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
