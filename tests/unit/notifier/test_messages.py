"""The messages of the WebSocket, read and refused."""

import json
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.close_codes import REASONS, CloseCode
from notifier.messages import BadMessageError, Subscribe, error, parse

JOB = "01890a5d-ac96-774b-bcce-b302099a8057"


def test_since_is_one_position_or_one_per_document() -> None:
    one = parse(json.dumps({"type": "subscribe", "job_ids": [JOB], "since": 5}))
    each = parse(json.dumps({"type": "subscribe", "job_ids": [JOB], "since": {JOB: 5}}))

    assert isinstance(one, Subscribe)
    assert isinstance(each, Subscribe)
    assert (one.since, each.since) == (5, {UUID(JOB): 5})


@pytest.mark.parametrize("beyond", [2**53, 2**63, 2**64])
def test_a_position_that_no_document_can_have_is_refused(beyond: int) -> None:
    for since in (beyond, {JOB: beyond}):
        with pytest.raises(BadMessageError) as refused:
            parse(json.dumps({"type": "subscribe", "job_ids": [JOB], "since": since}))

        assert (refused.value.code, refused.value.detail) == (
            "INVALID_MESSAGE",
            "Wrong fields: since.",
        )


def test_a_refusal_repeats_the_id_but_never_what_was_sent() -> None:
    with pytest.raises(BadMessageError) as refused:
        parse('{"type": "connect", "token": {"secret": "s3cr3t"}, "id": 9}')

    assert (refused.value.code, refused.value.request_id) == ("INVALID_MESSAGE", 9)
    assert "token" in refused.value.detail
    assert "s3cr3t" not in refused.value.detail


def test_an_error_carries_code_message_and_what_it_is_about() -> None:
    assert json.loads(error("NOT_FOUND", "There is none.", "a", job_id=JOB)) == {
        "type": "error",
        "id": "a",
        "code": "NOT_FOUND",
        "message": "There is none.",
        "job_id": JOB,
    }


@given(st.one_of(st.binary(), st.text(), st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(
        st.sampled_from(["type", "id", "job_ids", "since", "token", "x"]), inner),
).map(json.dumps)))  # fmt: skip
def test_no_frame_raises_anything_but_a_refusal(frame: str | bytes) -> None:
    try:
        parse(frame)
    except BadMessageError as refused:
        assert refused.code in {"MALFORMED_JSON", "UNKNOWN_TYPE", "INVALID_MESSAGE"}  # noqa: PT017 - either way is right


@pytest.mark.parametrize("code", CloseCode)
def test_every_close_code_has_a_reason_that_fits_its_frame(code: CloseCode) -> None:
    assert 0 < len(REASONS[code].encode()) <= 123
