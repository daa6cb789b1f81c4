"""Ranges, file names in headers, cursors and links."""

from urllib.parse import unquote
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.api import cursors
from ingest.api.links import LinkMaker
from ingest.api.ranges import byte_range, content_disposition
from ingest.errors import CursorInvalidError, RangeInvalidError
from ingest.settings import PublicSettings

ID = UUID("01970000-0000-7000-8000-000000000001")


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        (None, None),
        ("", None),
        ("bytes=0-0", (0, 1)),
        ("bytes=0-", (0, 100)),
        ("bytes=10-19", (10, 10)),
        ("bytes=90-200", (90, 10)),
        ("bytes=-30", (70, 30)),
        ("bytes=-300", (0, 100)),
        ("bytes=-", None),
        ("bytes=5-4", None),
        ("bytes=0-1,5-6", None),
        ("lines=0-1", None),
        ("bytes=a-b", None),
    ],
)
def test_one_range_is_honoured_and_everything_odd_is_answered_whole(
    header: str | None, wanted: tuple[int, int] | None
) -> None:
    assert byte_range(header, size_bytes=100) == wanted


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0"])
def test_a_range_behind_the_end_is_refused_with_the_size(header: str) -> None:
    with pytest.raises(RangeInvalidError) as refused:
        byte_range(header, size_bytes=100)
    assert refused.value.size_bytes == 100


@given(st.text(min_size=1).filter(str.isprintable))
def test_any_name_survives_the_header_and_can_not_break_out_of_it(name: str) -> None:
    header = content_disposition(name)

    assert header.isascii()
    assert header.isprintable()
    assert header.count('"') == 2
    assert unquote(header.rpartition("''")[2]) == name


@given(st.integers(0, 2**53), st.text().filter(lambda text: "\x00" not in text))
def test_cursors_come_back_as_they_were_written(number: int, text: str) -> None:
    assert cursors.read_pair(cursors.write(number, text)) == (number, text)
    assert cursors.read_number(cursors.write(number)) == number
    assert cursors.read_id(cursors.write(str(ID))) == ID


@given(st.text(max_size=60))
def test_foreign_cursors_are_refused_and_nothing_else_happens(cursor: str) -> None:
    for read in (cursors.read_id, cursors.read_number, cursors.read_pair):
        try:
            read(cursor)
        except CursorInvalidError:
            continue


@pytest.mark.parametrize("cursor", [cursors.write("x"), cursors.write(-1), cursors.write(1, 2)])
def test_cursors_of_another_shape_are_refused(cursor: str) -> None:
    for read in (cursors.read_id, cursors.read_number, cursors.read_pair):
        with pytest.raises(CursorInvalidError):
            read(cursor)


def test_links_of_the_notifier_are_absolute_when_it_is_known() -> None:
    links = LinkMaker(PublicSettings(notifier_url="https://live.example/")).of(ID)

    assert links.self == f"/api/v1/documents/{ID}"
    assert links.status == f"/upload-status/{ID}"
    assert links.events == f"/api/v1/documents/{ID}/events"
    assert links.stream == f"https://live.example/api/v1/documents/{ID}/events/stream"
    assert links.websocket == "wss://live.example/api/v1/ws/progress"


def test_links_of_an_unknown_notifier_are_relative() -> None:
    assert LinkMaker(PublicSettings()).of(ID).websocket == "/api/v1/ws/progress"
