from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.dlq_admin.letters import NOON, dead, death, lying, sent, work

from dlq_admin.domain.letters import read, target_topic
from docyard_common.delivery.headers import BURIAL, REPLAY, Replay
from docyard_common.ids import uuid7
from docyard_common.kafka.received import ReceivedRecord

names = st.text(max_size=20) | st.sampled_from(
    [*sorted(BURIAL | REPLAY), "ce_type", "traceparent", "__dlq.errors.topic"]
)
anything = st.builds(
    ReceivedRecord,
    topic=st.just("dlq.extract"),
    partition=st.integers(0, 3),
    offset=st.integers(0, 2**62),
    timestamp_ms=st.integers(-1, 2**62),
    key=st.none() | st.binary(max_size=20),
    value=st.none() | st.binary(max_size=50),
    headers=st.lists(st.tuples(names, st.none() | st.binary(max_size=40))).map(tuple),
)


def test_a_dead_letter_tells_whose_document_died_of_what() -> None:
    event = work()

    letter = read(dead(event))

    assert (letter.document_id, letter.owner, letter.stage) == (event.document_id, "ann", "extract")
    assert (letter.reason, letter.attempt) == ("unreadable_document", 3)
    assert letter.trace_id == "0af7651916cd43dd8448eb211c80319c"


@given(anything)
def test_reading_never_fails_and_leaves_nothing_that_the_database_refuses(
    record: ReceivedRecord,
) -> None:
    letter = read(record)

    texts = [letter.reason, letter.fingerprint, letter.occurrence, letter.origin.topic]
    texts += [letter.cause.class_name, letter.cause.message, letter.cause.stack]
    assert not any("\0" in text for text in texts)
    assert letter.first_failed_at <= letter.failed_at
    assert len(letter.occurrence) < 400


def test_what_does_not_decode_belongs_to_nobody() -> None:
    letter = read(lying(b"key", b"\xff\x00", (("ce_type", b"\xff"),)))

    assert (letter.document_id, letter.owner) == (None, None)


def test_a_bare_record_is_an_undecodable_one_of_its_topics_stage() -> None:
    letter = read(ReceivedRecord("dlq.index", 1, 7, int(NOON.timestamp() * 1000), None, None, ()))

    assert (letter.stage, letter.reason) == ("index", "undecodable_record")
    assert (letter.origin.topic, letter.origin.offset) == ("dlq.index", 7)
    assert letter.failed_at == NOON


def test_copies_of_one_death_are_one_occurrence() -> None:
    event, cause = work(), death()

    assert read(dead(event, of=cause)).occurrence == read(dead(event, of=cause)).occurrence
    assert read(dead(event, of=cause)).occurrence != read(dead(event)).occurrence


def test_a_replay_is_found_in_the_dead_letter_it_led_to() -> None:
    replay_id = uuid7()

    assert read(dead(replay=Replay(replay_id, 1))).replay_id == replay_id


@pytest.mark.parametrize(
    ("origin", "target"),
    [
        ("work.extract.low", "work.extract.low"),
        ("docyard.work.extract.critical", "work.extract.critical"),
        ("orders", "work.extract.normal"),
        ("work.extract.nonsense", "work.extract.normal"),
    ],
)
def test_a_replay_goes_to_the_lane_it_came_from(origin: str, target: str) -> None:
    assert target_topic("extract", origin) == target


def test_a_stage_of_others_has_no_target() -> None:
    with pytest.raises(ValueError, match="billing"):
        target_topic("billing", "orders")


def test_keys_stay_bytes() -> None:
    key, value, headers = sent(work())

    assert read(lying(key, value, headers)).record.key == key
    assert UUID((key or b"").decode())
