import json
from pathlib import Path

import pytest
from tests.unit.extraction.reading import KeptReport, task_for

from processor.stages.errors import (
    ChecksumMismatchError,
    DecompressionLimitError,
    UnreadableDocumentError,
)
from processor.stages.extract import extract
from processor.stages.task import DocumentLimits, Extracted
from processor.stages.validate import validate


def read(path: Path, content: str | bytes) -> tuple[Extracted, KeptReport]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    report = KeptReport()
    return extract(task_for(path), report), report


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Grüße aus Köln, wo der Straßenverkehr am Dienstag ruhte.", "utf-8"),
        ("Grüße aus Köln", "utf-8-sig"),
        ("Grüße aus Köln", "utf-16"),
        ("Grüße aus Köln", "utf-32"),
        ("Gruesse ohne Marke", "utf-16-le"),
        ("Les élèves français étaient à l'école où l'été dura très longtemps.", "cp1252"),
        ("Съешь же ещё этих мягких французских булок, да выпей чаю.", "cp1251"),
        ("吾輩は猫である。名前はまだ無い。どこで生れたか頓と見当がつかぬ。", "shift_jis"),
    ],
)
def test_text_is_read_in_its_encoding(tmp_path: Path, text: str, encoding: str) -> None:
    _, report = read(tmp_path / "a.txt", text.encode(encoding))

    assert report.text() == text


def test_text_is_cut_into_pages_at_line_ends(tmp_path: Path) -> None:
    lines = [f"This is line {number}, and it is not long.\n" for number in range(300)]

    result, report = read(tmp_path / "a.txt", "".join(lines))

    pages = report.kept_pages()
    assert result.page_count == len(pages) == 4
    assert all(3000 <= len(page.text) <= 3100 for page in pages[:-1])
    assert "\n".join(page.text for page in pages) + "\n" == "".join(lines)


def test_one_endless_line_is_cut_between_words(tmp_path: Path) -> None:
    result, report = read(tmp_path / "a.txt", "word " * 40_000)

    assert result.page_count > 40
    assert all(len(page.text) <= 4500 for page in report.kept_pages())
    assert set(report.text().split()) == {"word"}


def test_form_feeds_are_page_breaks(tmp_path: Path) -> None:
    _, report = read(tmp_path / "a.txt", "one\n\ftwo\n\fthree")

    assert [page.text for page in report.kept_pages()] == ["one", "two", "three"]


def test_a_later_run_cuts_the_same_pages(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    _, whole = read(path, "Some words make a line.\n" * 1000)
    rest = KeptReport()

    extract(task_for(path, first_page=3), rest)

    assert rest.kept_pages() == whole.kept_pages()[2:]


def test_what_no_database_takes_is_left_out(tmp_path: Path) -> None:
    value = json.dumps({"a": "x\u0000y", "b": "\ud800"})

    _, report = read(tmp_path / "a.json", value)

    assert report.text() == "  a: xy\n  b: \ufffd"


def test_white_space_alone_is_one_empty_page(tmp_path: Path) -> None:
    result, report = read(tmp_path / "a.txt", "\n\n")

    assert (result.page_count, report.text()) == (1, "")


def test_markdown_pages_know_their_heading(tmp_path: Path) -> None:
    text = "# One\n" + "Some words here.\n" * 300 + "```\n# no heading\n```\n## Two\nThe end.\n"

    _, report = read(tmp_path / "a.md", text)

    assert [page.heading for page in report.kept_pages()] == ["One", "One", "Two"]


def test_html_gives_what_is_shown(tmp_path: Path) -> None:
    page = """<!DOCTYPE html><html lang=en><title>T &amp; U</title><style>p {}</style>
      <script>document.write("run")</script><h1>Head</h1><p>Hel<b>lo</b>   <i>you</i><br>next
      <table><tr><td>a<td>b</table><template>hidden</template><noscript>no</noscript>"""

    result, report = read(tmp_path / "a.html", page)

    assert report.text() == "Head\nHello you\nnext\na\tb"
    assert result.metadata["title"] == "T & U"


@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        (b'<meta charset="windows-1251">', "cp1251"),
        (b'<meta http-equiv=content-type content="text/html; charset=koi8-r">', "koi8_r"),
        (b'<meta charset="no-such-charset">', "cp1251"),
        (b"", "utf-8"),
        (b'<meta charset="utf-16">', "utf-8"),
    ],
)
def test_html_is_read_as_its_meta_says(tmp_path: Path, head: bytes, encoding: str) -> None:
    text = "Съешь же ещё этих мягких французских булок, да выпей чаю."

    _, report = read(tmp_path / "a.html", head + b"<p>" + text.encode(encoding))

    assert report.text() == text


def test_deeply_nested_html_is_read(tmp_path: Path) -> None:
    _, report = read(tmp_path / "a.html", "<div>" * 50_000 + "deep")

    assert report.text() == "deep"


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_tables_are_split_by_their_separator(tmp_path: Path, separator: str) -> None:
    rows = [["name", "note"], ["Ada", 'said "hi"; left, fast\tno|yes'], ["Bob", "two\nlines"]]
    text = "\n".join(separator.join('"' + c.replace('"', '""') + '"' for c in r) for r in rows)

    result, report = read(tmp_path / "a.csv", text)

    assert result.metadata["delimiter"] == separator
    assert (result.metadata["rows"], result.metadata["columns"]) == (3, 2)
    assert result.metadata["header"] == ["name", "note"]
    assert "Bob\ttwo\nlines" in report.text()


@pytest.mark.parametrize(
    ("text", "separator"),
    [
        ("1,5;2,5;3,5\n4,5;5,5;6,5\n", ";"),
        ("2020-01-01;1,5;2,5\n2020-01-02;3,5;4,5\n", ";"),
        ("1,5\t2,5\n3,5\t4,5\n", "\t"),
        ("Size, m;Weight, t\n1,5;2,5\n", ";"),
        ("name,tags\ncrate,red;new\nbox,blue;old\n", ","),
    ],
)
def test_commas_inside_of_numbers_part_no_columns(
    tmp_path: Path, text: str, separator: str
) -> None:
    result, _ = read(tmp_path / "a.csv", text)

    assert result.metadata["delimiter"] == separator


def test_json_leaves_become_lines(tmp_path: Path) -> None:
    value = '{"name": "K\\u00f6ln", "size": {"n": 12345678901234567890, "x": 1e400}, "l": [true]}'

    _, report = read(tmp_path / "a.json", value)

    assert report.text().split("\n") == [
        "  name: Köln",
        "  size:",
        "    n: 12345678901234567890",
        "    x: 1e400",
        "  l:",
        "    - true",
    ]


@pytest.mark.parametrize("text", ["{]", "nothing", "[" * 200_000, "\ufeff"])
def test_what_is_no_json_is_unreadable(tmp_path: Path, text: str) -> None:
    with pytest.raises(UnreadableDocumentError):
        read(tmp_path / "a.json", text)


def test_json_lines_are_read_one_by_one(tmp_path: Path) -> None:
    result, report = read(tmp_path / "a.jsonl", '{"a": 1}\n\n{"a": 2}\n')

    assert report.text() == "  a: 1\n  a: 2"
    assert result.metadata["values"] == 2


def test_other_bytes_than_accepted_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("accepted")
    task = task_for(path)

    path.write_text("replaced")
    with pytest.raises(ChecksumMismatchError):
        validate(task, KeptReport())
    with pytest.raises(ChecksumMismatchError):
        validate(task.model_copy(update={"size_bytes": 3}), KeptReport())


def test_more_text_than_allowed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("words and words\n" * 1000)

    with pytest.raises(DecompressionLimitError):
        extract(task_for(path, limits=DocumentLimits(max_characters=10_000)), KeptReport())
