"""OpenDocument: texts, sheets and slides, each as its readers see it."""

from pathlib import Path

import pytest
from tests.unit.extraction.packages import write_zip
from tests.unit.extraction.reading import KeptReport, task_for

from docyard_common.errors import FailureReason, PermanentError
from docyard_common.events.stages import Stage
from processor.stages.extract import extract
from processor.stages.validate import validate

ODF = "urn:oasis:names:tc:opendocument:xmlns"
KINDS = {".odt": "text", ".ods": "spreadsheet", ".odp": "presentation"}
NAMES = " ".join(
    f'xmlns:{prefix}="{ODF}:{name}:1.0"'
    for prefix, name in (("office", "office"), ("text", "text"), ("table", "table"))
)


def odf(path: Path, body: str, parts: dict[str, str | bytes] | None = None) -> Path:
    content = (
        f'<office:document-content {NAMES} xmlns:draw="{ODF}:drawing:1.0"'
        f' xmlns:dc="http://purl.org/dc/elements/1.1/">{body}</office:document-content>'
    )
    media_type = f"application/vnd.oasis.opendocument.{KINDS[path.suffix]}"
    usual: dict[str, str | bytes] = {"mimetype": media_type, "content.xml": content}
    return write_zip(path, usual | (parts or {}))


def read(path: Path) -> KeptReport:
    report = KeptReport()
    extract(task_for(path), report)
    return report


def test_text_inside_and_between_elements_keeps_its_order(tmp_path: Path) -> None:
    path = odf(
        tmp_path / "a.odt",
        "<text:p>one <text:span>two</text:span> three<text:s text:c='2'/>"
        "<text:date>2026</text:date><text:line-break/>four</text:p>",
    )

    assert read(path).text() == "one two three  2026\nfour"


def test_notes_and_comments_are_read_and_struck_out_text_is_not(tmp_path: Path) -> None:
    path = odf(
        tmp_path / "a.odt",
        "<text:tracked-changes><text:p>gone</text:p></text:tracked-changes>"
        "<text:p>body<text:note><text:note-citation>1</text:note-citation><text:note-body>"
        "<text:p>note</text:p></text:note-body></text:note><office:annotation>"
        "<dc:creator>Bob</dc:creator><text:p>remark</text:p></office:annotation></text:p>",
    )

    assert read(path).text() == "note\nremark\nbody"


def test_sheets_begin_pages_and_rows_are_cells(tmp_path: Path) -> None:
    cell = "<table:table-cell{}><text:p>{}</text:p></table:table-cell>"
    dated = cell.format(" office:date-value='2026-03-01'", "1. March")
    repeated = f"<table:table-row table:number-rows-repeated='2'>{cell.format('', 'x')}"
    path = odf(
        tmp_path / "a.ods",
        "<table:table table:name='One'><table:table-row>"
        "<table:table-cell table:number-columns-repeated='2'/>"
        f"{dated}<table:table-cell table:number-columns-repeated='16000'/></table:table-row>"
        f"{repeated}</table:table-row>"
        "<table:table-row table:number-rows-repeated='1048000'><table:table-cell/>"
        "</table:table-row></table:table><table:table table:name='Two'/>",
    )

    pages = read(path).kept_pages()

    assert [page.heading for page in pages] == ["One", "Two"]
    assert pages[0].rows == (("", "", "2026-03-01"), ("x",), ("x",))


def test_slides_are_pages_even_when_they_are_empty(tmp_path: Path) -> None:
    path = odf(
        tmp_path / "a.odp",
        "<draw:page draw:name='A'><text:p>first</text:p></draw:page><draw:page draw:name='B'/>"
        "<draw:page draw:name='C'><text:p>third</text:p></draw:page>",
    )

    assert [page.text for page in read(path).kept_pages()] == ["A\nfirst", "B", "C\nthird"]


def test_a_locked_document_says_so(tmp_path: Path) -> None:
    manifest = (
        f"<m:manifest xmlns:m='{ODF}:manifest:1.0'><m:file-entry><m:encryption-data/>"
        "</m:file-entry></m:manifest>"
    )
    path = odf(tmp_path / "a.odt", "", parts={"META-INF/manifest.xml": manifest})

    with pytest.raises(PermanentError) as failed:
        validate(task_for(path, stage=Stage.VALIDATE), KeptReport())

    assert failed.value.reason is FailureReason.ENCRYPTED_DOCUMENT


def test_text_named_sheet_is_refused(tmp_path: Path) -> None:
    path = odf(tmp_path / "a.odt", "").rename(tmp_path / "a.ods")

    with pytest.raises(PermanentError) as failed:
        validate(task_for(path, stage=Stage.VALIDATE), KeptReport())

    assert failed.value.reason is FailureReason.TYPE_MISMATCH
