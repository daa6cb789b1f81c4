"""When a failed run is tried again, and when it is given up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docyard_common.delivery.outcome import MAX_STACK_CHARACTERS, DeadLetter, Paused, Retry
from docyard_common.delivery.retry import RetryPolicy
from docyard_common.errors import (
    DependencyUnavailableError,
    FailureReason,
    ObjectMissingError,
    RetryableError,
)

POLICY = RetryPolicy(max_attempts=3, first_delay_s=5.0)


class OutOfMemoryError(RetryableError):
    reason = FailureReason.MEMORY_LIMIT


@given(attempt=st.integers(1, 10_000), dice=st.floats(0, 1, exclude_max=True))
def test_a_delay_stays_within_its_jitter_of_an_hour(attempt: int, dice: float) -> None:
    assert 4.0 <= POLICY.delay_s(attempt, dice) <= 3600 * 1.2


@given(attempt=st.integers(1, 100))
def test_delays_do_not_shrink(attempt: int) -> None:
    assert POLICY.delay_s(attempt, 0.5) <= POLICY.delay_s(attempt + 1, 0.5)


@pytest.mark.parametrize(("attempt", "expected"), [(1, 5.0), (2, 30.0), (3, 180.0), (9, 3600.0)])
def test_each_delay_is_six_times_the_last_up_to_an_hour(attempt: int, expected: float) -> None:
    assert POLICY.delay_s(attempt, 0.5) == pytest.approx(expected)


@given(attempt=st.integers(1, 100))
def test_a_server_that_is_away_burns_no_attempt(attempt: int) -> None:
    error = DependencyUnavailableError("object_store", "refused")

    assert POLICY.judge(error, attempt=attempt, dice=0) == Paused("object_store", str(error))


@given(attempt=st.integers(1, 100))
def test_a_permanent_error_is_given_up_at_once(attempt: int) -> None:
    outcome = POLICY.judge(ObjectMissingError("gone"), attempt=attempt, dice=0)

    assert isinstance(outcome, DeadLetter)
    assert outcome.failure.reason is FailureReason.OBJECT_MISSING


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OutOfMemoryError("died"), FailureReason.MEMORY_LIMIT),
        (RetryableError("not now"), FailureReason.ATTEMPTS_EXHAUSTED),
        (ZeroDivisionError("bug"), FailureReason.UNFORESEEN_ERROR),
    ],
)
def test_all_else_is_tried_until_the_attempts_are_used_up(
    error: Exception, reason: FailureReason
) -> None:
    outcomes = [POLICY.judge(error, attempt=n, dice=0.5) for n in (1, 2, 3)]

    assert [type(outcome) for outcome in outcomes] == [Retry, Retry, DeadLetter]
    assert isinstance(outcomes[2], DeadLetter)
    assert outcomes[2].failure.reason is reason


def test_a_long_stack_keeps_its_end() -> None:
    error = RetryableError("x" * 100_000)

    outcome = POLICY.judge(error, attempt=3, dice=0)

    assert isinstance(outcome, DeadLetter)
    assert len(outcome.failure.stack) == MAX_STACK_CHARACTERS
    assert outcome.failure.stack.endswith("x\n")
