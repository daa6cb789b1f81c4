"""DOCX: what people would search for is in the text, and nothing twice."""

from pathlib import Path

import pytest
from tests.unit.extraction import packages
from tests.unit.extraction.packages import docx, paragraph, rels
from tests.unit.extraction.reading import KeptReport, task_for

from docyard_common.errors import FailureReason, PermanentError
from processor.stages.extract import extract


def read(path: Path) -> KeptReport:
    report = KeptReport()
    extract(task_for(path), report)
    return report


def test_paragraphs_become_lines_and_rows_have_their_cells_side_by_side(tmp_path: Path) -> None:
    cells = "".join(f"<w:tc>{paragraph(word)}</w:tc>" for word in ("crate", "weight"))
    path = docx(tmp_path / "a.docx", f"{paragraph('First')}<w:tbl><w:tr>{cells}</w:tr></w:tbl>")

    assert read(path).text() == "First\ncrate\tweight"


def test_text_boxes_are_read_once_though_they_are_stored_twice(tmp_path: Path) -> None:
    box = paragraph("boxed")
    both = (
        "<w:p><w:r><mc:AlternateContent>"
        f"<mc:Choice>{box}</mc:Choice><mc:Fallback>{box}</mc:Fallback>"
        "</mc:AlternateContent></w:r><w:r><w:t>around</w:t></w:r></w:p>"
    )

    assert read(docx(tmp_path / "a.docx", both)).text() == "boxed\naround"


def test_struck_out_text_is_left_and_inserted_text_is_kept(tmp_path: Path) -> None:
    body = (
        "<w:p><w:pPr><w:rPr><w:del/></w:rPr></w:pPr>"
        "<w:del><w:r><w:delText>gone</w:delText></w:r></w:del>"
        "<w:ins><w:r><w:t>come</w:t></w:r></w:ins></w:p>"
    )

    assert read(docx(tmp_path / "a.docx", body)).text() == "come"


def test_headings_are_found_by_inherited_styles(tmp_path: Path) -> None:
    styles = (
        f'<w:styles xmlns:w="{packages.W}">'
        '<w:style w:styleId="H"><w:name w:val="heading 1"/></w:style>'
        '<w:style w:styleId="Own"><w:name w:val="Own"/><w:basedOn w:val="H"/></w:style></w:styles>'
    )
    parts: dict[str, str | bytes] = {
        "word/_rels/document.xml.rels": rels(("styles", "styles.xml")),
        "word/styles.xml": styles,
    }
    body = paragraph("Storage", '<w:pStyle w:val="Own"/>') + paragraph("text")

    pages = read(docx(tmp_path / "a.docx", body, parts)).kept_pages()

    assert [page.heading for page in pages] == ["Storage"]


def test_page_breaks_of_the_author_begin_pages(tmp_path: Path) -> None:
    body = f'{paragraph("one")}<w:p><w:r><w:br w:type="page"/></w:r></w:p>{paragraph("two")}'

    pages = read(docx(tmp_path / "a.docx", body)).kept_pages()

    assert [page.text for page in pages] == ["one", "two"]


def test_notes_comments_headers_and_footers_follow_the_text(tmp_path: Path) -> None:
    kinds = ("footnotes", "comments", "header", "footer")
    parts: dict[str, str | bytes] = {
        f"word/{kind}.xml": f'<w:x xmlns:w="{packages.W}">{paragraph("in " + kind)}</w:x>'
        for kind in kinds
    }
    parts["word/_rels/document.xml.rels"] = rels(*((kind, f"{kind}.xml") for kind in kinds))

    text = read(docx(tmp_path / "a.docx", paragraph("body"), parts)).text()

    assert text.splitlines() == ["body", *(f"in {kind}" for kind in kinds)]


def test_a_damaged_part_beside_the_text_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    parts: dict[str, str | bytes] = {
        "word/_rels/document.xml.rels": rels(("comments", "comments.xml")),
        "word/comments.xml": "<no xml",
    }
    path = docx(tmp_path / "a.docx", paragraph("body"), parts)

    result = extract(task_for(path), KeptReport())

    assert result.metadata["skipped_parts"] == ["word/comments.xml"]


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("/word/document.xml", "word/document.xml"),
        ("word\\document.xml", "word\\document.xml"),
        ("./word/../word/document.xml", "Word/Document.xml"),
    ],
)
def test_odd_names_and_targets_lead_to_the_part(tmp_path: Path, target: str, name: str) -> None:
    document = f'<w:document xmlns:w="{packages.W}"><w:body>{paragraph("x")}</w:body></w:document>'
    path = packages.package(
        tmp_path / "a.docx",
        "word/document.xml",
        {"_rels/.rels": rels(("officeDocument", target)), name: document},
    )

    assert read(path).text() == "x"


def test_strict_documents_are_read_like_transitional_ones(tmp_path: Path) -> None:
    strict = "http://purl.oclc.org/ooxml/wordprocessingml/main"
    document = f'<w:document xmlns:w="{strict}"><w:body>{paragraph("x")}</w:body></w:document>'
    path = packages.package(
        tmp_path / "a.docx",
        "word/document.xml",
        {
            "_rels/.rels": rels(("officeDocument", "word/document.xml"), office=packages.STRICT),
            "word/document.xml": document,
        },
    )

    assert read(path).text() == "x"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("<w:p><w:r>", FailureReason.UNREADABLE_DOCUMENT),
        ("&undeclared;", FailureReason.UNREADABLE_DOCUMENT),
        ("<w:p>" * 300 + "</w:p>" * 300, FailureReason.UNREADABLE_DOCUMENT),
    ],
)
def test_markup_that_is_none_fails_with_its_reason(
    tmp_path: Path, body: str, reason: FailureReason
) -> None:
    path = docx(tmp_path / "a.docx", body)

    with pytest.raises(PermanentError) as failed:
        extract(task_for(path), KeptReport())

    assert failed.value.reason is reason


def test_files_that_a_document_includes_stand_in_its_text(tmp_path: Path) -> None:
    inner = docx(tmp_path / "inner.docx", paragraph("of a document")).read_bytes()
    mail = (
        "Subject: page\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=b\r\n\r\n"
        "--b\r\nContent-Type: text/html\r\n\r\n<p>of a saved page</p>\r\n--b--\r\n"
    )
    files: dict[str, str | bytes] = {
        "a.dat": "<html><body><h1>of a page</h1></body></html>",
        "b.mht": mail,
        "c.rtf": r"{\rtf1 of RTF\par}",
        "d.txt": "of a text < another",
        "e.docx": inner,
    }
    ids = [f'<w:altChunk xmlns:r="{packages.OFFICE}" r:id="rId{n}"/>' for n in range(1, 6)]
    cell = f"<w:tbl><w:tr><w:tc>{ids[1]}</w:tc><w:tc>{ids[3]}</w:tc></w:tr></w:tbl>"
    body = paragraph("first") + ids[0] + cell + ids[2] + ids[4] + paragraph("last")
    parts: dict[str, str | bytes] = {f"word/{name}": data for name, data in files.items()}
    parts["word/_rels/document.xml.rels"] = rels(*(("aFChunk", name) for name in files))

    text = read(docx(tmp_path / "a.docx", body, parts)).text()

    assert text.splitlines() == [
        "first", "of a page", "of a saved page\tof a text < another", "of RTF", "of a document",
        "last",
    ]  # fmt: skip


def test_a_damaged_file_in_a_document_costs_only_itself(tmp_path: Path) -> None:
    chunk = f'<w:altChunk xmlns:r="{packages.OFFICE}" r:id="rId1"/>'
    parts: dict[str, str | bytes] = {
        "word/_rels/document.xml.rels": rels(("aFChunk", "a.docx")),
        "word/a.docx": b"PK and nothing more",
    }
    path = docx(tmp_path / "a.docx", chunk + paragraph("body"), parts)
    report = KeptReport()

    result = extract(task_for(path), report)

    assert report.text() == "body"
    assert result.metadata["skipped_parts"] == ["word/a.docx"]


def test_a_file_that_is_included_often_is_read_once(tmp_path: Path) -> None:
    chunk = f'<w:altChunk xmlns:r="{packages.OFFICE}" r:id="rId1"/>'
    parts: dict[str, str | bytes] = {
        "word/_rels/document.xml.rels": rels(("aFChunk", "a.html")),
        "word/a.html": "<p>page</p>",
    }

    assert read(docx(tmp_path / "a.docx", chunk * 9, parts)).text() == "page"
