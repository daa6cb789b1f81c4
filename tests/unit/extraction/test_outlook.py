"""Messages of Outlook keep their words, whichever code page they are written in."""

from pathlib import Path

import pytest
from tests.unit.extraction.reading import KeptReport, task_for

from docyard_stack.samples import outlook
from processor.stages.extract import extract
from processor.stages.task import Extracted

SUBJECT, BODY, NAME, SHORT_FILE_NAME = 0x0037, 0x1000, 0x3001, 0x3704
MESSAGE_PAGE, INTERNET_PAGE = 0x3FFD, 0x3FDE
RUSSIAN = "Съешь же ещё этих мягких французских булок, да выпей чаю."


def read(folder: Path, storage: outlook.Storage) -> tuple[Extracted, str]:
    path = folder / "message.msg"
    path.write_bytes(outlook.compound_file(storage))
    report = KeptReport()
    return extract(task_for(path), report), report.text()


@pytest.mark.parametrize("page", [0, 38598, 50229, 57002, 99999])
def test_a_code_page_without_a_codec_costs_no_unicode_text(tmp_path: Path, page: int) -> None:
    storage = outlook.message_storage("Crates", "The crates arrived.")
    outlook.attach(storage, "note.txt", b"A note.")
    pages = outlook.narrow_storage({}, {INTERNET_PAGE: page, MESSAGE_PAGE: page})
    listed = "__properties_version1.0"
    storage.streams[listed] += pages.streams[listed][32:]

    result, text = read(tmp_path, storage)

    assert "The crates arrived." in text
    assert result.metadata["subject"] == "Crates"
    assert result.metadata["attachments"] == ["note.txt"]


@pytest.mark.parametrize(
    ("page", "codec", "words"),
    [
        (950, "cp950", "貨物已經到達港口"),
        (874, "cp874", "สินค้ามาถึงแล้ว"),
        (936, "gbk", "朱镕基的信"),
        (932, "cp932", "①番の荷物が届いた"),
        (949, "cp949", "똠양꿍 상자 도착"),
        (1251, "cp1251", "Ящики прибыли"),
        (28595, "iso8859-5", "Ящики прибыли"),
        (38598, "iso8859-8", "הארגזים הגיעו"),
        (65001, "utf-8", "Ящики 箱"),
    ],
)
def test_text_of_eight_bits_is_read_in_its_code_page(
    tmp_path: Path, page: int, codec: str, words: str
) -> None:
    data = words.encode(codec)

    result, text = read(
        tmp_path, outlook.narrow_storage({SUBJECT: data, BODY: data}, {MESSAGE_PAGE: page})
    )

    assert result.metadata["subject"] == words
    assert text.count(words) == 2


def test_the_body_may_be_in_another_code_page_than_the_head(tmp_path: Path) -> None:
    texts = {SUBJECT: "Ящики".encode("cp1251"), BODY: RUSSIAN.encode("koi8-r")}

    result, text = read(
        tmp_path, outlook.narrow_storage(texts, {MESSAGE_PAGE: 1251, INTERNET_PAGE: 20866})
    )

    assert result.metadata["subject"] == "Ящики"
    assert RUSSIAN in text


@pytest.mark.parametrize("pages", [{}, {INTERNET_PAGE: 1200}, {MESSAGE_PAGE: 57002}])
def test_without_a_code_page_all_texts_together_tell_it(
    tmp_path: Path, pages: dict[int, int]
) -> None:
    texts = {SUBJECT: "Привет".encode("cp1251"), BODY: RUSSIAN.encode("cp1251")}

    result, text = read(tmp_path, outlook.narrow_storage(texts, pages))

    assert result.metadata["subject"] == "Привет"
    assert RUSSIAN in text


def test_recipients_and_attachments_are_in_the_code_page_of_their_message(tmp_path: Path) -> None:
    storage = outlook.narrow_storage({BODY: b"See the file."}, {MESSAGE_PAGE: 1251})
    outlook.attach(storage, "", b"a,b")
    part = next(iter(storage.storages.values()))
    named = outlook.narrow_storage(
        {SHORT_FILE_NAME: "опись.csv".encode("cp1251")}, {}, header_bytes=8
    )
    part.streams |= named.streams | {
        "__properties_version1.0": part.streams["__properties_version1.0"]
        + named.streams["__properties_version1.0"][8:]
    }
    storage.storages["__recip_version1.0_#00000000"] = outlook.narrow_storage(
        {NAME: "Анна".encode("cp1251")}, {}, header_bytes=8
    )

    result, _ = read(tmp_path, storage)

    assert result.metadata["to"] == "Анна"
    assert result.metadata["attachments"] == ["опись.csv"]
