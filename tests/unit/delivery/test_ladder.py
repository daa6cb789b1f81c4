"""After a run that cost too much the next one changes something."""

import pytest

from docyard_common.delivery.ladder import Mode, mode_after, mode_of_run
from docyard_common.errors import FailureReason

COSTLY = [
    FailureReason.MEMORY_LIMIT,
    FailureReason.TIMEOUT,
    FailureReason.NO_PROGRESS,
    FailureReason.CHILD_CRASHED,
]


@pytest.mark.parametrize("reason", COSTLY)
def test_each_costly_run_leads_one_step_down(reason: FailureReason) -> None:
    second = mode_after(Mode.STANDARD, reason)
    third = mode_after(second, reason)

    assert (second, third, mode_after(third, reason)) == (Mode.CAREFUL, Mode.PLAIN, Mode.PLAIN)


def test_a_failure_that_cost_little_changes_nothing() -> None:
    assert mode_after(Mode.CAREFUL, FailureReason.UNFORESEEN_ERROR) is Mode.CAREFUL


def test_a_document_whose_workers_died_is_read_with_more_care() -> None:
    assert [mode_of_run(Mode.STANDARD, deliveries) for deliveries in (1, 2, 3)] == [
        Mode.STANDARD,
        Mode.STANDARD,
        Mode.CAREFUL,
    ]


@pytest.mark.parametrize("mode", Mode)
def test_each_mode_says_what_it_does(mode: Mode) -> None:
    assert mode.described.startswith("reads ")
