from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docyard_common.delivery.headers import (
    BURIAL,
    MAX_TEXT_BYTES,
    REPLAY,
    Cause,
    Death,
    Origin,
    Replay,
    buried,
    death_of,
    original,
    replay_of,
    replayed,
)
from docyard_common.errors import FailureReason
from docyard_common.events.codec import Headers
from docyard_common.events.stages import Stage

REPLAY_ID = UUID("0190f5c2-0000-7000-8000-000000000001")
DEATH = Death(
    stage=Stage.EXTRACT,
    reason=FailureReason.MEMORY_LIMIT,
    attempt=3,
    origin=Origin("work.extract.high", 2, 41, 1_700_000_000_000, "docyard.extract.high"),
    cause=Cause("MemoryError", "no room", "Traceback"),
    first_failed_at=datetime(2026, 1, 1, tzinfo=UTC),
    failed_at=datetime(2026, 1, 2, tzinfo=UTC),
    service_version="0.1.0",
)
raw_headers = st.lists(
    st.tuples(
        st.text(max_size=12) | st.sampled_from(sorted(BURIAL | REPLAY)),
        st.none() | st.binary(max_size=24),
    )
).map(tuple)


def as_they_came(headers: Headers) -> Headers:
    return tuple(header for header in headers if header[0] not in BURIAL | REPLAY)


def test_a_death_is_read_as_it_was_written() -> None:
    note = death_of(buried((), DEATH))

    assert (note.stage, note.reason, note.attempt) == ("extract", "memory_limit", 3)
    assert (note.origin, note.cause) == (DEATH.origin, DEATH.cause)
    assert (note.first_failed_at, note.failed_at) == (DEATH.first_failed_at, DEATH.failed_at)
    assert note.fingerprint is not None


@given(raw_headers)
def test_headers_survive_burial_and_replay_byte_for_byte(headers: Headers) -> None:
    grave = buried(headers, DEATH)
    back = replayed(grave, Replay(REPLAY_ID, 1))

    assert as_they_came(grave) == as_they_came(headers)
    assert original(back) == as_they_came(headers)


@given(raw_headers)
def test_reading_never_fails(headers: Headers) -> None:
    death_of(headers)
    replay_of(headers)


def test_a_second_burial_does_not_pile_up() -> None:
    once = buried((("ce_id", b"1"),), DEATH)

    assert buried(once, DEATH) == once


def test_a_record_that_dies_again_still_names_its_replay() -> None:
    back = replayed((), Replay(REPLAY_ID, 2, edited_from="old"))

    assert replay_of(buried(back, DEATH)) == Replay(REPLAY_ID, 2, edited_from="old")


def test_long_stacks_keep_their_end_and_long_messages_their_start() -> None:
    cause = Cause("E", "start" + "é" * MAX_TEXT_BYTES, "é" * MAX_TEXT_BYTES + "end")
    note = death_of(buried((), Death(**{**vars(DEATH), "cause": cause})))

    assert note.cause.message.startswith("start")
    assert note.cause.stack.endswith("end")
    assert len(note.cause.message.encode()) <= MAX_TEXT_BYTES
    assert len(note.cause.stack.encode()) <= MAX_TEXT_BYTES


def test_a_cause_is_taken_from_an_exception() -> None:
    with pytest.raises(ValueError, match="page 7") as caught:
        int("page 7")

    cause = Cause.of(caught.value)

    assert cause.class_name == "builtins.ValueError"
    assert "page 7" in cause.message
    assert "test_headers.py" in cause.stack
