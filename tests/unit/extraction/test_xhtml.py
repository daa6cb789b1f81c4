"""Empty elements as XML writes them swallow nothing of what comes after them."""

import time
from pathlib import Path

import pytest
from tests.unit.extraction.reading import KeptReport, task_for
from tests.unit.extraction.test_open_formats import epub

from processor.extraction.xhtml import as_html
from processor.stages.extract import extract

XHTML = '<html xmlns="http://www.w3.org/1999/xhtml">'


def text_of(path: Path) -> str:
    report = KeptReport()
    extract(task_for(path), report)
    return report.text()


@pytest.mark.parametrize(
    "empty",
    [
        "<title/>",
        '<script src="a.js" />',
        "<script src='/>'\n/>",
        "<style/>",
        "<TEXTAREA/>",
        "<iframe src='a'/>",
        "<noscript/>",
        "<object/>",
        "<template/>",
    ],
)
def test_a_chapter_goes_on_after_an_empty_element(tmp_path: Path, empty: str) -> None:
    assert text_of(epub(tmp_path / "a.epub", f"<html>{empty}<p>words</p></html>")) == "words"


@pytest.mark.parametrize(
    "beginning", ['<?xml version="1.0"?><html>', f"<!DOCTYPE html>\n{XHTML}", f"\n {XHTML}"]
)
def test_a_page_that_is_xhtml_goes_on_after_an_empty_element(
    tmp_path: Path, beginning: str
) -> None:
    path = tmp_path / "a.html"
    path.write_text(f"{beginning}<head><title/></head><body>words</body></html>")

    assert text_of(path) == "words"


def test_other_pages_are_read_as_browsers_read_them(tmp_path: Path) -> None:
    path = tmp_path / "a.html"
    path.write_text("<p>words<script src=a.js /><p>in a script")

    assert text_of(path) == "words"


@pytest.mark.parametrize(
    "kept",
    [
        "<p/>",
        "<titles/>",
        "<script src='a'>b</script>",
        "<!-- <title/> -->",
        "<script><![CDATA[ write('<script/>') ]]></script>",
        "<script type='a'>write('<script/>')</script>",
    ],
)
def test_everything_else_stays_as_it_is(kept: str) -> None:
    assert as_html(XHTML + kept) == XHTML + kept


@pytest.mark.parametrize(
    "hostile",
    ["<title ", '<title a="', "<title '", "<!--", "<![CDATA[", "<title a=b/ ", "<html ", "<style>"],
)
def test_hostile_pages_cost_little(hostile: str) -> None:
    page = hostile * 400_000
    began = time.process_time()

    as_html(page)
    as_html(page, known=True)

    assert time.process_time() - began < 5
