"""XLSX: values as people see them, rows as cells, one bad sheet alone."""

from pathlib import Path
from zipfile import ZipFile

import pytest
from tests.unit.extraction.packages import S, xlsx
from tests.unit.extraction.reading import KeptReport, task_for

from docyard_common.errors import FailureReason, PermanentError
from processor.stages.extract import extract
from processor.stages.task import DocumentLimits


def cells(inside: str) -> str:
    return f"<sheetData><row>{inside}</row></sheetData>"


def styles(*codes: str) -> str:
    formats = "".join(
        f'<numFmt numFmtId="{200 + n}" formatCode="{code}"/>' for n, code in enumerate(codes)
    )
    used = "".join(f'<xf numFmtId="{200 + n}"/>' for n in range(len(codes)))
    inside = f"<numFmts>{formats}</numFmts><cellXfs>{used}</cellXfs>"
    return f'<styleSheet xmlns="{S}">{inside}</styleSheet>'


def rows_of(path: Path) -> list[tuple[str, ...]]:
    report = KeptReport()
    extract(task_for(path), report)
    return [row for page in report.kept_pages() for row in page.rows or ()]


def test_cells_stand_in_their_columns(tmp_path: Path) -> None:
    path = xlsx(tmp_path / "a.xlsx", cells('<c r="B1"><v>1</v></c><c r="D1"><v>2</v></c>'))

    assert rows_of(path) == [("", "1", "", "2")]


def test_every_kind_of_value_is_read(tmp_path: Path) -> None:
    inside = (
        '<c t="s"><v>0</v></c><c t="inlineStr"><is><r><t>in</t></r><r><t>line</t></r></is></c>'
        '<c t="str"><f>A1</f><v>made</v></c><c t="b"><v>1</v></c><c t="e"><v>#DIV/0!</v></c>'
        "<c><f>SUM(A1)</f><v>0.30000000000000004</v></c><c><v>12345678901234567890</v></c>"
        '<c t="s"><v>99</v></c>'
    )
    strings = f'<sst xmlns="{S}"><si><t>shared</t><rPh><t>reading</t></rPh></si></sst>'
    path = xlsx(tmp_path / "a.xlsx", cells(inside), parts={"xl/sharedStrings.xml": strings})

    assert rows_of(path) == [
        ("shared", "inline", "made", "TRUE", "#DIV/0!", "0.3", "12345678901234567890")
    ]


@pytest.mark.parametrize(
    ("code", "value", "expected"),
    [
        ("yyyy-mm-dd", "44927", "2023-01-01"),
        ("dd.mm.yyyy hh:mm", "44927.5", "2023-01-01T12:00:00"),
        ("hh:mm", "0.25", "06:00:00"),
        ("[h]:mm:ss", "1.5", "36:00:00"),
        ("yyyy", "59", "1900-02-28"),
        ("yyyy", "1e300", "1e+300"),
        ("&quot;day&quot; 0.00", "2.5", "2.5"),
        ("[Red]0.00", "2.5", "2.5"),
        ("General", "2.5", "2.5"),
    ],
)
def test_only_formats_of_dates_make_dates(
    tmp_path: Path, code: str, value: str, expected: str
) -> None:
    path = xlsx(
        tmp_path / "a.xlsx",
        cells(f'<c s="0"><v>{value}</v></c>'),
        parts={"xl/styles.xml": styles(code)},
    )

    assert rows_of(path) == [(expected,)]


@pytest.mark.parametrize(
    ("known", "value", "expected"),
    [
        ("14", "44927", "2023-01-01"),
        ("21", "0.25", "06:00:00"),
        ("46", "1.5", "36:00:00"),
        ("46", "0.25", "6:00:00"),
    ],
)
def test_formats_that_need_no_code_are_known(
    tmp_path: Path, known: str, value: str, expected: str
) -> None:
    used = f'<styleSheet xmlns="{S}"><cellXfs><xf numFmtId="{known}"/></cellXfs></styleSheet>'
    path = xlsx(
        tmp_path / "a.xlsx", cells(f'<c s="0"><v>{value}</v></c>'), parts={"xl/styles.xml": used}
    )

    assert rows_of(path) == [(expected,)]


def test_a_bad_sheet_is_listed_and_the_others_are_read(tmp_path: Path) -> None:
    good = cells("<c><v>7</v></c>")
    path = xlsx(
        tmp_path / "a.xlsx", good, good, good, parts={"xl/worksheets/sheet2.xml": "<worksheet"}
    )
    report = KeptReport()

    result = extract(task_for(path), report)

    assert [error.number for error in result.page_errors] == [2]
    assert [page.heading for page in report.kept_pages()] == ["Sheet1", "Sheet3"]


def test_a_far_cell_costs_no_memory(tmp_path: Path) -> None:
    inside = '<sheetData><row r="1048576"><c r="XFD1048576"><v>7</v></c></row></sheetData>'

    (row,) = rows_of(xlsx(tmp_path / "a.xlsx", inside))

    assert row[-1] == "7"
    assert len(row) < 2_000


def test_a_sheet_of_a_long_name_has_a_heading_like_any_other(tmp_path: Path) -> None:
    path = xlsx(tmp_path / "a.xlsx", cells("<c><v>7</v></c>"))
    with ZipFile(path) as package:
        book = package.read("xl/workbook.xml").decode().replace('"Sheet1"', f'"{"n" * 5_000}"')
    path = xlsx(tmp_path / "b.xlsx", cells("<c><v>7</v></c>"), parts={"xl/workbook.xml": book})
    report = KeptReport()

    extract(task_for(path), report)
    pages = report.kept_pages()

    assert {page.heading for page in pages} == {"n" * 200}
    assert "".join(page.text for page in pages).count("n") == 5_000


def test_long_sheets_are_cut_into_pages_that_keep_their_name(tmp_path: Path) -> None:
    inside = "".join(f"<row><c><v>{number}</v></c></row>" for number in range(2_000))
    report = KeptReport()

    extract(task_for(xlsx(tmp_path / "a.xlsx", f"<sheetData>{inside}</sheetData>")), report)
    pages = report.kept_pages()

    assert len(pages) > 1
    assert {page.heading for page in pages} == {"Sheet1"}
    assert [row for page in pages for row in page.rows or ()] == [(str(n),) for n in range(2_000)]


@pytest.mark.parametrize(
    ("parts", "limits", "reason"),
    [
        (
            {"xl/sharedStrings.xml": f'<sst xmlns="{S}"><si><t>{"x" * 5_000}</t></si></sst>'},
            DocumentLimits(max_characters=1_000),
            FailureReason.DECOMPRESSION_LIMIT,
        ),
        (
            {
                "xl/sharedStrings.xml": (
                    '<!DOCTYPE x [<!ENTITY a "b">]><sst><si><t>&a;</t></si></sst>'
                )
            },
            DocumentLimits(),
            FailureReason.DECOMPRESSION_LIMIT,
        ),
        (
            {"xl/worksheets/sheet1.xml": b" " * 80_000_000},
            DocumentLimits(),
            FailureReason.DECOMPRESSION_LIMIT,
        ),
        (
            {"xl/workbook.xml": f'<workbook xmlns="{S}"/>'},
            DocumentLimits(),
            FailureReason.UNREADABLE_DOCUMENT,
        ),
    ],
)
def test_bombs_and_empty_books_fail_with_their_reason(
    tmp_path: Path, parts: dict[str, str | bytes], limits: DocumentLimits, reason: FailureReason
) -> None:
    path = xlsx(tmp_path / "a.xlsx", cells('<c t="s"><v>0</v></c>'), parts=parts)

    with pytest.raises(PermanentError) as failed:
        extract(task_for(path, limits=limits), KeptReport())

    assert failed.value.reason is reason
