"""A document's facts become generations, stages and runs, also where some are missing."""

from datetime import UTC, datetime, timedelta
from typing import Any

from ingest.documents.timeline import timeline
from ingest.tables.document_events import EventRow

NOW = datetime(2030, 1, 1, tzinfo=UTC)
RUN = {"worker": "w", "waited_s": 0.5, "ran_s": 2.0, "peak_memory_bytes": 9, "mode": "standard"}


def fact(second: int, kind: str, *, generation: int = 1, **data: Any) -> EventRow:
    at = NOW + timedelta(seconds=second)
    return EventRow(second, f"docyard.document.{kind}.v1", at, {"generation": generation, **data})


def started(second: int, stage: str = "extract", attempt: int = 1, **data: Any) -> EventRow:
    return fact(second, "stage_started", stage=stage, attempt=attempt, **data)


def test_each_run_has_its_wait_its_work_and_its_end() -> None:
    (generation,) = timeline(
        [
            fact(0, "accepted", generation=0),
            started(1),
            fact(3, "stage_retrying", stage="extract", attempt=1, reason="memory_limit",
                 message="too much", run=RUN, next_mode="careful"),
            started(8, attempt=2),
            fact(9, "stage_finished", stage="extract", attempt=2, run=RUN),
            fact(10, "completed"),
        ]
    )  # fmt: skip

    assert (generation.state, generation.requested_at) == ("completed", NOW)
    first, second = generation.stages[0].runs
    assert (first.outcome, first.reason, first.next_mode) == ("retry", "memory_limit", "careful")
    assert (second.outcome, second.attempt, second.report["ran_s"]) == ("done", 2, 2.0)


def test_a_run_whose_worker_died_is_lost() -> None:
    (generation,) = timeline([started(1), started(40)])

    assert [run.outcome for run in generation.stages[0].runs] == ["lost", "running"]
    assert generation.state == "running"


def test_a_cancel_ends_the_run_that_was_under_way() -> None:
    (generation,) = timeline([started(1), fact(2, "cancelled")])

    assert generation.state == "cancelled"
    assert generation.stages[0].runs[0].outcome == "cancelled"


def test_a_failed_document_that_is_replayed_runs_again() -> None:
    failed = fact(2, "failed", stage="extract", attempt=1, reason="timeout", message="slow")
    (generation,) = timeline([started(1), failed, started(9)])

    assert generation.state == "running"
    assert [run.outcome for run in generation.stages[0].runs] == ["failed", "running"]


def test_generations_are_apart() -> None:
    first, second = timeline(
        [
            fact(0, "accepted", generation=0),
            fact(1, "completed"),
            fact(5, "reprocessing_accepted", generation=2, from_stage="index"),
            started(6, "index", generation=2),
        ]
    )

    assert (first.generation, first.state) == (1, "completed")
    assert (second.from_stage, second.state) == ("index", "running")


def test_an_end_whose_start_was_never_told_is_a_run_all_the_same() -> None:
    (generation,) = timeline([fact(1, "stage_finished", stage="validate", attempt=1, run=RUN)])

    assert [run.outcome for run in generation.stages[0].runs] == ["done"]
