"""After a run that cost too much the next one changes something, or says that it does not."""

import pytest

from docyard_common.delivery.ladder import Mode, described, mode_after, mode_of_run
from docyard_common.errors import FailureReason
from docyard_common.events.stages import Stage

COSTLY = [
    FailureReason.MEMORY_LIMIT,
    FailureReason.TIMEOUT,
    FailureReason.NO_PROGRESS,
    FailureReason.CHILD_CRASHED,
]


@pytest.mark.parametrize("stage", [Stage.EXTRACT, Stage.ANALYZE, Stage.INDEX])
@pytest.mark.parametrize("reason", COSTLY)
def test_each_costly_run_leads_one_step_down(reason: FailureReason, stage: Stage) -> None:
    second = mode_after(Mode.STANDARD, reason, stage=stage)
    third = mode_after(second, reason, stage=stage)
    fourth = mode_after(third, reason, stage=stage)

    assert (second, third, fourth) == (Mode.CAREFUL, Mode.PLAIN, Mode.PLAIN)


def test_a_stage_with_nothing_more_to_leave_out_takes_no_further_step() -> None:
    second = mode_after(Mode.STANDARD, FailureReason.TIMEOUT, stage=Stage.VALIDATE)
    third = mode_after(second, FailureReason.TIMEOUT, stage=Stage.VALIDATE)

    assert (second, third) == (Mode.CAREFUL, Mode.CAREFUL)


@pytest.mark.parametrize("stage", Stage)
def test_a_failure_that_cost_little_changes_nothing(stage: Stage) -> None:
    reason = FailureReason.UNFORESEEN_ERROR

    assert mode_after(Mode.CAREFUL, reason, stage=stage) is Mode.CAREFUL


def test_a_document_whose_workers_died_is_read_with_more_care() -> None:
    assert [mode_of_run(Mode.STANDARD, deliveries) for deliveries in (1, 2, 3)] == [
        Mode.STANDARD,
        Mode.STANDARD,
        Mode.CAREFUL,
    ]


@pytest.mark.parametrize("mode", [Mode.CAREFUL, Mode.PLAIN])
def test_each_mode_says_what_it_does(mode: Mode) -> None:
    assert described(mode, stage=Stage.EXTRACT).startswith("reads ")


@pytest.mark.parametrize("stage", [Stage.VALIDATE, Stage.ANALYZE, Stage.INDEX])
def test_a_stage_that_reads_no_pages_does_not_claim_to(stage: Stage) -> None:
    told = described(Mode.CAREFUL, stage=stage)

    assert told != described(Mode.STANDARD, stage=stage)
    assert "page" not in told
    assert "OCR" not in told
