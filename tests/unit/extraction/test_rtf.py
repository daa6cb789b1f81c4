"""RTF is read to its end, with its notes and boxes, and without its pictures."""

from pathlib import Path

import compressed_rtf
import pytest
from tests.unit.extraction.reading import KeptReport, task_for

from docyard_stack.samples import outlook
from processor.extraction.rtf_groups import plain_groups
from processor.stages.extract import extract

PICTURE = rb"{\*\shppict{\pict{\*\picprop{\sp{\sn a}{\sv b}}}\pngblip " + b"89504e47" * 9 + b"}}"


def text_of(path: Path) -> str:
    report = KeptReport()
    extract(task_for(path), report)
    return report.text()


def read(folder: Path, body: bytes) -> str:
    path = folder / "a.rtf"
    path.write_bytes(rb"{\rtf1\ansi\ansicpg1252\deff0 " + body + b"}")
    return text_of(path)


@pytest.mark.parametrize(
    "words",
    [
        rb"\sectd \binfsxn4\binsxn4 before ",
        rb"C:\\tools\\bin before ",
        rb"C:\\pictures\\bin before ",
        rb"\{\\pict before ",
    ],
)
def test_no_words_behind_a_picture_are_lost(tmp_path: Path, words: bytes) -> None:
    text = read(tmp_path, words + PICTURE + rb"\par behind \{all\}\par")

    assert "before" in text
    assert "behind {all}" in text
    assert "8950" not in text


def test_escaped_backslashes_stay_what_they_are(tmp_path: Path) -> None:
    text = read(tmp_path, rb"C:\\pict\\bin and C:\\page")

    assert text.strip() == r"C:\pict\bin and C:\page"


def test_binary_data_is_passed_over_whatever_it_looks_like(tmp_path: Path) -> None:
    data = b"}}{\\\x00\xff}" * 20
    picture = rb"{\pict\wmetafile8\bin%d " % len(data) + data + b"}"

    assert read(tmp_path, b"before " + picture + b" behind").split() == ["before", "behind"]


def test_a_picture_that_its_group_begins_with_something_else_is_left_out(tmp_path: Path) -> None:
    body = rb"a {\b\pict 8950} b {\footnote\pict 8950} c"

    assert read(tmp_path, body).split() == ["a", "b", "c"]


@pytest.mark.parametrize("kind", [rb"\header", rb"\headerf", rb"\footerl", rb"\footer"])
def test_headers_and_footers_are_read(tmp_path: Path, kind: bytes) -> None:
    text = read(tmp_path, b"{" + kind + rb" \pard {\b The} quay\par}The crates\par")

    assert "The quay\n" in text
    assert "The crates" in text


def test_notes_are_read_on_lines_of_their_own(tmp_path: Path) -> None:
    text = read(
        tmp_path,
        rb"Oak{\super\chftn{\footnote\pard\plain {\super\chftn} of " + PICTURE + rb"Riga}} and pine"
        rb"{\*\atnid AB}{\*\atnauthor Ada}\chatn"
        rb"{\*\annotation{\*\atnref 1}{\*\atndate 2}which?}.\par",
    )

    assert [line.strip() for line in text.splitlines() if line.strip()] == [
        *("Oak", "of Riga", "and pine", "which?", "."),
    ]


@pytest.mark.parametrize(
    "shape",
    [
        rb"{\shp{\*\shpinst{\sp{\sn hidden}{\sv 1}}%s}{\shprslt{\*\do{\dptxbxtext twice}}}}",
        rb"{\shpgrp{\*\shpinst{\shp{\*\shpinst%s}}}}",
        rb"{\shp{\*\shpinst{\shptxt outer{\shp{\*\shpinst%s}}}}}",
        rb"{\*\do\dobxcolumn%s}",
    ],
)
def test_words_in_boxes_are_read_once(tmp_path: Path, shape: bytes) -> None:
    box = rb"{\dptxbxtext boxed\par}" if rb"\do" in shape[:8] else rb"{\shptxt boxed\par}"

    text = read(tmp_path, b"before " + shape.replace(b"%s", box) + b" behind")

    assert [word for word in text.split() if word != "outer"] == ["before", "boxed", "behind"]


def test_characters_of_two_halves_are_one(tmp_path: Path) -> None:
    text = read(tmp_path, rb"\uc1 \u-10179?\u-8704? and \u-10179? alone")

    assert text.strip() == "\N{GRINNING FACE} and \ufffd alone"


@pytest.mark.parametrize("code", [b"}" * 5 + b"word", b"{\\footnote" * 50_000, b"{\\shp" * 50_000])
def test_groups_that_do_not_match_are_passed(code: bytes) -> None:
    assert len(plain_groups(code)) < 3 * len(code)


def test_the_body_of_a_message_is_read_behind_its_picture(tmp_path: Path) -> None:
    code = rb"{\rtf1\ansi\ansicpg1251 C:\\bin " + PICTURE + rb"\'df\'f9}"
    path = tmp_path / "message.msg"
    storage = outlook.narrow_storage({0x0037: b"Crates"}, {})
    storage.streams["__substg1.0_10090102"] = compressed_rtf.compress(code)
    path.write_bytes(outlook.compound_file(storage))

    assert "Ящ" in text_of(path)


def test_a_damaged_body_costs_a_message_nothing_else(tmp_path: Path) -> None:
    packed = bytearray(compressed_rtf.compress(rb"{\rtf1 gone}"))
    packed[12] ^= 0xFF  # the checksum
    path = tmp_path / "message.msg"
    storage = outlook.narrow_storage({0x0037: b"Crates"}, {})
    storage.streams["__substg1.0_10090102"] = bytes(packed)
    path.write_bytes(outlook.compound_file(storage))

    assert "Crates" in text_of(path)
