"""How a failure is described, for people and for dead letters."""

import pytest

from docyard_common.delivery.fingerprint import top_frame
from docyard_common.delivery.outcome import failure
from docyard_common.errors import FailureReason, RetryableError

WHY = FailureReason.UNFORESEEN_ERROR


@pytest.mark.parametrize("foreign", ["\x00", "\ud800", "\udc80\x00"])
def test_what_no_table_and_no_json_takes_is_in_no_message_and_no_stack(foreign: str) -> None:
    described = failure(ValueError(f"no page {foreign}here"), WHY)

    for text in (described.message, described.stack):
        assert "here" in text
        assert "\x00" not in text
        assert text.encode().decode() == text


def test_a_message_of_nothing_but_zeros_names_the_error() -> None:
    assert failure(ValueError("\x00"), WHY).message == "ValueError"


def test_what_another_process_told_of_keeps_the_stack_of_that_process() -> None:
    error = RetryableError("KeyError: 'a'")
    error.stack = 'Traceback\n  File "/opt/processor/extraction/pdf.py", line 3, in read\n'

    described = failure(error, WHY)

    assert described.stack == error.stack
    assert top_frame(described.stack) == "extraction/pdf.py:read"
