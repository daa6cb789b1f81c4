"""The guard stops a stage that fails for reasons of its own, and only then."""

from hypothesis import given
from hypothesis import strategies as st

from docyard_common.delivery.guard import Guard, GuardPolicy

POLICY = GuardPolicy()


def test_fifty_failures_in_a_row_stop_the_stage() -> None:
    guard = Guard(POLICY)
    for _ in range(49):
        guard.record(system_failure=True)
    assert guard.verdict() is None

    guard.record(system_failure=True)

    assert guard.verdict() is not None


def test_more_than_a_fifth_of_two_hundred_stops_the_stage() -> None:
    guard = Guard(POLICY)
    for index in range(200):
        guard.record(system_failure=index % 5 == 0)
    assert guard.verdict() is None

    for index in range(200):
        guard.record(system_failure=index % 4 == 0)

    assert guard.verdict() is not None


@given(st.integers(0, 1000))
def test_documents_that_are_to_blame_themselves_never_stop_it(count: int) -> None:
    guard = Guard(POLICY)
    for _ in range(count):
        guard.record(system_failure=False)

    assert guard.verdict() is None


def test_a_stage_that_was_let_go_on_starts_counting_anew() -> None:
    guard = Guard(POLICY)
    for _ in range(50):
        guard.record(system_failure=True)

    guard.reset()

    assert guard.verdict() is None
