"""Dead letters of records that no topic would take as they are."""

import os
from datetime import UTC, datetime

import pytest

from docyard_common.delivery import oversize
from docyard_common.delivery.headers import (
    PACKED_BYTES,
    PACKED_HEAD,
    Cause,
    Death,
    Origin,
    buried,
    death_of,
    text_of,
)
from docyard_common.errors import FailureReason
from docyard_common.events import topics
from docyard_common.events.codec import Record
from docyard_common.events.stages import Stage

MIB = 1024 * 1024
NOW = datetime(2030, 1, 1, tzinfo=UTC)
DEATH = Death(
    stage=Stage.VALIDATE,
    reason=FailureReason.UNDECODABLE_RECORD,
    attempt=1,
    origin=Origin("work.validate.normal", 0, 7, 1),
    cause=Cause("E", "m" * MIB, "s" * MIB),
    first_failed_at=NOW,
    failed_at=NOW,
    service_version="1",
)
(TAKEN,) = {
    topic.max_message_bytes
    for topic in topics.declared()
    if topic.name == topics.dead_letters(Stage.VALIDATE)
}


def record(
    value: bytes | None, *headers: tuple[str, bytes | None], key: bytes | None = b"k"
) -> Record:
    return Record("work.validate.normal", key, value, headers)


def taken(letter: Record) -> bool:
    return oversize.size_of(letter.key, letter.value, letter.headers) < TAKEN - 64 * 1024


def test_a_record_of_common_size_is_buried_as_it_came() -> None:
    came = record(b"{", ("ce_type", b"\xff"), ("none", None))

    letter = oversize.letter(came, DEATH)

    assert letter == Record("dlq.validate", b"k", b"{", buried(came.headers, DEATH))


@pytest.mark.parametrize(
    "came",
    [
        record(b"\0" * 50 * MIB, ("ce_type", b"x")),
        record(os.urandom(MIB) * 5, key=None),
        record(None, *[("h\udcff", b"h" * MIB), ("none", None)] * 5),
        record(b"", key=b"k" * 5 * MIB),
    ],
    ids=["value", "repeated", "headers", "key"],
)
def test_what_is_larger_than_a_topic_takes_is_kept_byte_for_byte(came: Record) -> None:
    letter = oversize.letter(came, DEATH)

    assert taken(letter)
    assert oversize.unpacked(letter.value or b"") == (came.key, came.value, came.headers)
    assert death_of(letter.headers).origin == DEATH.origin
    size = oversize.size_of(came.key, came.value, came.headers)
    assert text_of(letter.headers, PACKED_BYTES) == str(size)


def test_its_first_bytes_and_small_headers_can_be_read_without_unpacking() -> None:
    letter = oversize.letter(record(b"{" * 2 * MIB, ("ce_id", b"7")), DEATH)

    assert (letter.key, text_of(letter.headers, "ce_id")) == (b"k", "7")
    assert text_of(letter.headers, PACKED_HEAD) == "{" * 1024


def test_what_is_too_large_even_packed_is_cut_and_stops_nothing() -> None:
    assert taken(oversize.letter(record(os.urandom(3 * MIB)), DEATH))


@pytest.mark.parametrize("data", [b"", b"{}", oversize.packed(record(b"x"))[:-5]])
def test_what_is_no_packed_record_is_told(data: bytes) -> None:
    with pytest.raises(ValueError, match="no packed record"):
        oversize.unpacked(data)


def test_a_record_can_not_claim_to_be_packed() -> None:
    letter = oversize.letter(record(b"x", (PACKED_BYTES, b"9")), DEATH)

    assert text_of(letter.headers, PACKED_BYTES) is None
