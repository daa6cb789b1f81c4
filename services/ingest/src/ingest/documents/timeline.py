"""A document's history as people read it: generations, their stages, and every run of each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from ingest.tables.document_events import EventRow

_PREFIX: Final = "docyard.document."
_SUFFIX: Final = ".v1"
_RUN_ENDS: Final = {"stage_finished": "done", "stage_retrying": "retry", "failed": "failed"}
_ENDS: Final = ("completed", "failed", "cancelled")


@dataclass
class RunEntry:
    """One run of one stage; `lost` means that its worker died or was taken over."""

    attempt: int
    outcome: str = "running"  # running, done, reused, retry, failed, cancelled or lost
    started_at: datetime | None = None
    ended_at: datetime | None = None
    report: dict[str, Any] = field(default_factory=dict)  # what the run told of itself
    reason: str | None = None
    message: str | None = None
    next_mode: str | None = None
    reused_from: str | None = None  # the document whose result was taken over: nothing was done


@dataclass
class StageEntry:
    """A stage of one generation."""

    stage: str
    runs: list[RunEntry] = field(default_factory=list)


@dataclass
class GenerationEntry:
    """One processing of the document, from the wish to its end."""

    generation: int
    requested_at: datetime | None = None
    from_stage: str = "validate"
    state: str = "running"
    ended_at: datetime | None = None
    stages: list[StageEntry] = field(default_factory=list)

    def runs_of(self, stage: str) -> list[RunEntry]:
        """Return the runs of *stage*, which is added when it is new."""
        for entry in self.stages:
            if entry.stage == stage:
                return entry.runs
        self.stages.append(StageEntry(stage))
        return self.stages[-1].runs


def timeline(rows: Iterable[EventRow]) -> Sequence[GenerationEntry]:
    """Return the generations of a document from its facts, which are in the order of their seq."""
    generations: dict[int, GenerationEntry] = {}
    for row in rows:
        number = max(1, int(row.data.get("generation", 1)))
        entry = generations.setdefault(number, GenerationEntry(number))
        _apply(entry, row, row.type.removeprefix(_PREFIX).removesuffix(_SUFFIX))
    return [generations[number] for number in sorted(generations)]


def _apply(entry: GenerationEntry, row: EventRow, kind: str) -> None:
    match kind:
        case "accepted":
            entry.requested_at = row.at
        case "reprocessing_accepted":
            entry.requested_at, entry.from_stage = row.at, row.data["from_stage"]
        case "stage_started":
            _start(entry, row)
        case _ if kind in _RUN_ENDS:
            _end_run(entry, row, _RUN_ENDS[kind])
        case _:
            pass  # facts that are not about runs
    if kind in _ENDS:
        _end(entry, row, kind)


def _start(entry: GenerationEntry, row: EventRow) -> None:
    runs = entry.runs_of(row.data["stage"])
    _lose(runs)
    # A document that was replayed goes on.
    entry.state, entry.ended_at = "running", None
    runs.append(RunEntry(row.data["attempt"], started_at=row.at))


def _end_run(entry: GenerationEntry, row: EventRow, outcome: str) -> None:
    runs = entry.runs_of(row.data["stage"])
    if not runs or runs[-1].ended_at is not None:
        runs.append(RunEntry(row.data["attempt"]))
    run = runs[-1]
    run.reused_from = row.data.get("reused_from")
    run.outcome, run.ended_at = "reused" if run.reused_from else outcome, row.at
    run.report = row.data.get("run") or {}
    run.reason, run.message = row.data.get("reason"), row.data.get("message")
    run.next_mode = row.data.get("next_mode")


def _end(entry: GenerationEntry, row: EventRow, state: str) -> None:
    entry.state, entry.ended_at = state, row.at
    for stage in entry.stages:
        if state == "cancelled" and stage.runs and stage.runs[-1].ended_at is None:
            stage.runs[-1].outcome, stage.runs[-1].ended_at = "cancelled", row.at


def _lose(runs: Sequence[RunEntry]) -> None:
    if runs and runs[-1].ended_at is None:
        runs[-1].outcome = "lost"
