"""EPUB, RTF and XML: read in order, nothing expanded, nothing fetched."""

from pathlib import Path

import pytest
from tests.unit.extraction.packages import write_zip
from tests.unit.extraction.reading import KeptReport, task_for

from docyard_common.errors import FailureReason, PermanentError
from processor.stages.extract import extract


def read(path: Path) -> KeptReport:
    report = KeptReport()
    extract(task_for(path), report)
    return report


def reason_of(path: Path) -> FailureReason:
    with pytest.raises(PermanentError) as failed:
        extract(task_for(path), KeptReport())
    return failed.value.reason


def xml(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def epub(path: Path, *chapters: str, parts: dict[str, str | bytes] | None = None) -> Path:
    items = "".join(
        f'<item id="i{n}" href="c%20{n}.xhtml" media-type="application/xhtml+xml"/>'
        for n in range(len(chapters))
    )
    spine = "".join(f'<itemref idref="i{n}"/>' for n in reversed(range(len(chapters))))
    usual: dict[str, str | bytes] = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": '<c><rootfile full-path="O/b.opf"/></c>',
        "O/b.opf": f"<package><manifest>{items}</manifest><spine>{spine}</spine></package>",
    }
    usual |= {f"O/c {n}.xhtml": chapter for n, chapter in enumerate(chapters) if chapter}
    return write_zip(path, usual | (parts or {}))


def test_chapters_are_pages_in_the_order_of_the_spine(tmp_path: Path) -> None:
    pages = read(epub(tmp_path / "a.epub", "<h1>Z</h1>last", "<p>first")).kept_pages()

    assert [(page.text, page.heading) for page in pages] == [("first", None), ("Z\nlast", "Z")]


def test_a_missing_chapter_is_listed_and_the_others_are_read(tmp_path: Path) -> None:
    result = extract(task_for(epub(tmp_path / "a.epub", "one", "")), KeptReport())

    assert [error.number for error in result.page_errors] == [1]


def locked(path: Path, algorithm: str) -> Path:
    encryption = f'<e><EncryptionMethod Algorithm="{algorithm}"/></e>'
    return epub(path, "text", parts={"META-INF/encryption.xml": encryption})


def test_a_book_with_mangled_fonts_is_read(tmp_path: Path) -> None:
    path = locked(tmp_path / "a.epub", "http://www.idpf.org/2008/embedding")

    assert read(path).text() == "text"


def test_a_book_with_encrypted_chapters_is_locked(tmp_path: Path) -> None:
    path = locked(tmp_path / "a.epub", "http://www.w3.org/2001/04/xmlenc#aes128-cbc")

    assert reason_of(path) is FailureReason.ENCRYPTED_DOCUMENT


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_xml_is_a_line_per_element_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    path = xml(
        tmp_path / "a.xml", "<d><t>é</t><p>one <b>bold</b> two</p><r><a>1</a></r>end</d>", encoding
    )

    assert read(path).text() == "é\none bold two\n1\nend"


_LATE = "".join(f"<p>Line {number} of the log</p>" for number in range(9_000))


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ('<?xml version="1.0" encoding="utf-16"?><d>{}</d>', "utf-8"),
        ('<?xml version="1.0" encoding="UTF-8"?><d>{}</d>', "cp1252"),
        ("<d>{}</d>", "cp1252"),
        (f"<d>{_LATE}{{}}</d>", "cp1252"),
        ('\n<?xml version="1.0"?><d>{}</d>', "utf-8"),
        ('<?xml version="1.0" encoding="Mac-Roman"?><d>{}</d>', "mac-roman"),
    ],
    ids=["utf-16", "utf-8", "undeclared", "late", "blank", "unknown"],
)
def test_xml_is_read_whatever_it_declares(tmp_path: Path, text: str, encoding: str) -> None:
    words = "Die Größe des Schiffes überrascht die Männer am Kai"

    read_text = read(xml(tmp_path / "a.xml", text.format(words), encoding)).text()

    assert read_text.splitlines()[-1] == words


def test_xml_with_a_name_of_windows_for_its_encoding_is_read(tmp_path: Path) -> None:
    path = xml(
        tmp_path / "a.xml", '<?xml version="1.0" encoding="Windows-31J"?><d>日本</d>', "cp932"
    )

    assert read(path).text() == "日本"


def test_entities_of_xml_that_is_read_anew_are_refused_all_the_same(tmp_path: Path) -> None:
    path = xml(
        tmp_path / "a.xml",
        '<?xml version="1.0" encoding="utf-16"?>'
        '<!DOCTYPE d [<!ENTITY a "x"><!ENTITY b "&a;&a;">]><d>&b;</d>',
    )

    assert reason_of(path) is FailureReason.DECOMPRESSION_LIMIT


def test_entities_stay_as_they_are_written(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("never read")
    path = xml(
        tmp_path / "a.xml",
        f'<!DOCTYPE d [<!ENTITY v "1"><!ENTITY s SYSTEM "{tmp_path}/secret">]><d>a &v; &s; b</d>',
    )

    assert read(path).text() == "a &v; &s; b"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            '<!DOCTYPE d [<!ENTITY a "x"><!ENTITY b "&a;&a;">]><d>&b;</d>',
            FailureReason.DECOMPRESSION_LIMIT,
        ),
        ("<d><open></d>", FailureReason.UNREADABLE_DOCUMENT),
        ("<d>" * 300, FailureReason.UNREADABLE_DOCUMENT),
        ("no markup", FailureReason.UNREADABLE_DOCUMENT),
    ],
)
def test_xml_that_laughs_or_breaks_fails_with_its_reason(
    tmp_path: Path, text: str, reason: FailureReason
) -> None:
    assert reason_of(xml(tmp_path / "a.xml", text)) is reason


def test_rtf_is_read_in_its_code_page_and_cut_at_its_pages(tmp_path: Path) -> None:
    code = r"{\rtf1\ansi\ansicpg1251{\info{\title T}}\'cf\'f0\par{\pict\bin4 ffff}\page two}"
    path = xml(tmp_path / "a.rtf", code)
    report = KeptReport()

    result = extract(task_for(path), report)

    assert [page.text.strip() for page in report.kept_pages()] == ["Пр", "two"]
    assert result.metadata["title"] == "T"
