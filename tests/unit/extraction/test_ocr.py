"""Pictures and scans are looked at where tesseract is installed, and never otherwise."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pypdf import PdfWriter
from pypdf.generic import RectangleObject
from tests.unit.extraction.reading import KeptReport, task_for
from tests.unit.extraction.scans import WORDS, picture_of, scan

from docyard_common.artifacts import Page
from docyard_common.delivery.ladder import Mode
from processor.extraction.ocr import find_ocr, installed_languages
from processor.extraction.reading import When, asked_for
from processor.stages.extract import extract
from processor.stages.task import Extracted, StageTask

needs_tesseract = pytest.mark.skipif(
    shutil.which("tesseract") is None, reason="tesseract is not installed"
)


def read(task: StageTask) -> tuple[Extracted, list[Page]]:
    report = KeptReport()
    return extract(task, report), report.kept_pages()


def with_options(path: Path, **options: Any) -> StageTask:
    return task_for(path).model_copy(update={"options": options})


@needs_tesseract
def test_a_scanned_page_is_read_with_its_words_in_points(tmp_path: Path) -> None:
    result, (page,) = read(with_options(scan(tmp_path / "a.pdf"), words=True))

    assert page.text == WORDS
    assert page.words is not None
    assert [word.text for word in page.words] == WORDS.split()
    assert all(0 < word.left < word.right < 450 for word in page.words)
    assert result.metadata["ocr"] == {"pages": 1, "unread": 0, "languages": ["eng"]}


@needs_tesseract
def test_a_page_of_no_extent_is_not_looked_at(tmp_path: Path) -> None:
    """Its crop lies beside it: there is nothing that could be drawn."""
    writer = PdfWriter(clone_from=scan(tmp_path / "a.pdf"))
    writer.pages[0].cropbox = RectangleObject((600, 800, 1000, 1000))
    writer.write(tmp_path / "b.pdf")

    result, (page,) = read(task_for(tmp_path / "b.pdf"))

    assert (page.text, result.page_errors) == ("", ())


@needs_tesseract
def test_a_picture_of_16_bits_a_shade_is_read(tmp_path: Path) -> None:
    faint = picture_of(WORDS).convert("I").point(lambda shade: shade * 128 + 20_000)
    faint.convert("I;16").save(tmp_path / "a.png")

    _, (page,) = read(task_for(tmp_path / "a.png"))

    assert page.text == WORDS


@needs_tesseract
def test_a_picture_is_read_the_right_way_up(tmp_path: Path) -> None:
    turned = picture_of(WORDS).transpose(Image.Transpose.ROTATE_90)
    exif = turned.getexif()
    exif[0x0112] = 6
    turned.save(tmp_path / "a.png", exif=exif)

    _, (page,) = read(task_for(tmp_path / "a.png"))

    assert page.text == WORDS


@needs_tesseract
@pytest.mark.parametrize(
    "change",
    [
        {"options": {"ocr": False}},
        {"ocr": False},
        {"mode": Mode.CAREFUL},
        {"options": {"ocr_language": "xxx; rm -rf"}},
    ],
)
def test_nothing_is_looked_at_where_that_is_not_wanted_or_not_possible(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    result, (page,) = read(task_for(scan(tmp_path / "a.pdf")).model_copy(update=change))

    assert page.text == ""
    assert "ocr" not in result.metadata


@needs_tesseract
def test_pages_beyond_the_time_for_pictures_stay_unread(tmp_path: Path) -> None:
    task = task_for(scan(tmp_path / "a.pdf", pages=2))
    limits = task.limits.model_copy(update={"ocr_seconds": 0.001})

    result, pages = read(task.model_copy(update={"limits": limits}))

    assert [page.text for page in pages] == [WORDS, ""]
    assert result.metadata["ocr"]["unread"] == 1


def test_without_the_program_pictures_have_no_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed_languages.cache_clear()
    monkeypatch.setenv("PATH", str(tmp_path))

    found = find_ocr("eng", 60)

    installed_languages.cache_clear()
    assert found is None


@pytest.mark.parametrize(
    ("options", "when"),
    [
        ({}, When.WITHOUT_TEXT),
        ({"ocr": True}, When.ALWAYS),
        ({"ocr": False}, When.NEVER),
        ({"ocr": "perhaps"}, When.WITHOUT_TEXT),
    ],
)
def test_options_say_which_pages_are_looked_at(options: dict[str, Any], when: When) -> None:
    assert asked_for(options, ocr=True, language="eng").ocr is when
