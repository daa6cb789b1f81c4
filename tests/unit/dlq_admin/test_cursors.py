import base64
from datetime import UTC, datetime

import pytest

from dlq_admin.domain.cursors import InvalidCursorError, decode, decode_with_id, encode
from docyard_common.ids import uuid7

NOW = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)


def test_a_cursor_is_read_as_it_was_made() -> None:
    entry_id = uuid7()

    assert decode_with_id(encode(NOW, str(entry_id))) == (NOW, entry_id)
    assert decode(encode(NOW, "a", "b", "c"), parts=3) == (NOW, ["a", "b", "c"])


def test_a_time_of_any_zone_is_one_that_the_database_reads() -> None:
    cursor = base64.urlsafe_b64encode(b'["2026-01-01T13:00:00+01:00:00.5", "a"]').decode()

    when, _ = decode(cursor, parts=1)

    assert when.isoformat() == "2026-01-01T11:59:59.500000+00:00"


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "é",
        "",
        base64.urlsafe_b64encode(b"[]").decode(),
        base64.urlsafe_b64encode(b"7").decode(),
        base64.urlsafe_b64encode(b'["2026-01-01", "a"]').decode(),
        base64.urlsafe_b64encode(b'["2026-01-01T00:00:00+00:00", 7]').decode(),
        base64.urlsafe_b64encode(b'["2026-01-01T00:00:00+00:00", "a\\u0000"]').decode(),
        base64.urlsafe_b64encode(b'["2026-01-01T00:00:00+00:00", "\\ud800"]').decode(),
        base64.urlsafe_b64encode(b'["0001-01-01T00:00:00+14:00", "a"]').decode(),
        base64.urlsafe_b64encode(b"[" * 1_490).decode(),
        encode(NOW, "a", "b"),
        encode(NOW, "no id"),
    ],
)
def test_what_is_no_cursor_of_the_list_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidCursorError):
        decode_with_id(cursor)
