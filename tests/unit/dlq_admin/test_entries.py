import pytest

from dlq_admin.domain.entries import EntryState, after_failure


@pytest.mark.parametrize(
    ("replay_count", "finished", "state"),
    [
        (0, False, EntryState.OPEN),
        (2, False, EntryState.OPEN),
        (3, False, EntryState.PARKED),
        (0, True, EntryState.RESOLVED),
        (3, True, EntryState.RESOLVED),
    ],
)
def test_a_death_opens_parks_or_comes_too_late(
    *, replay_count: int, finished: bool, state: EntryState
) -> None:
    assert after_failure(replay_count=replay_count, max_replays=3, finished=finished) is state
