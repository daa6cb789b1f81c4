"""The queue, the figures of the stages, and the timeline of a document, as clients read them."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from docyard_common.events.observation import ProcessingObserved, StageObserved
from docyard_common.events.stages import DocumentState, Priority, Stage
from ingest.api.models import Answer
from ingest.documents.queueing import Place, rate_per_s
from ingest.documents.timeline import GenerationEntry, RunEntry
from ingest.tables.queue import Waiting


class StageQueue(Answer):
    """What waits for one stage and what runs in it."""

    stage: Stage
    waiting: int  # documents that are due and have not begun, wherever they are
    waiting_by_priority: dict[Priority, int]
    oldest_s: float  # how long the oldest of them waits
    queued: int  # of them and of retries, those the processor has taken in
    retrying: int  # that wait for their next attempt
    running: int
    slots: int
    dead: int  # that wait for a replay
    waiting_for_memory: int  # due, and larger than what running ones leave of the memory
    stopped: str | None  # why its guard has stopped the stage


class QueueOut(Answer):
    """The queue of all owners; numbers alone."""

    observed_at: datetime | None  # when the processor last told of its work
    age_s: float | None
    stages: list[StageQueue]

    @classmethod
    def of(
        cls, observed: ProcessingObserved | None, waiting: Iterable[Waiting], now: datetime
    ) -> "QueueOut":
        found = {stage.stage: stage for stage in observed.stages} if observed else {}
        rows = list(waiting)
        return cls(
            observed_at=observed.observed_at if observed else None,
            age_s=_age_s(observed, now),
            stages=[
                _stage_queue(stage, [row for row in rows if row.stage is stage], found.get(stage))
                for stage in Stage
            ],
        )


class SpreadOut(Answer):
    """Seconds; null where nothing ended in the window."""

    p50: float | None
    p95: float | None


class StageMetrics(Answer):
    """One stage in the window."""

    stage: Stage
    done: int
    failed: int
    retried: int
    done_per_s: float
    run_s: SpreadOut
    wait_s: SpreadOut
    running: int
    slots: int
    utilisation: float = Field(ge=0, le=1)  # of the slots' time


class ProcessingMetrics(Answer):
    """The figures of all stages, of all owners."""

    observed_at: datetime | None
    age_s: float | None
    window_s: float | None
    stages: list[StageMetrics]

    @classmethod
    def of(cls, observed: ProcessingObserved | None, now: datetime) -> "ProcessingMetrics":
        return cls(
            observed_at=observed.observed_at if observed else None,
            age_s=_age_s(observed, now),
            window_s=observed.window_s if observed else None,
            stages=[_metrics(one, observed.window_s) for one in observed.stages]
            if observed
            else [],
        )


class PlaceOut(Answer):
    """Where a document stands in the queue."""

    document_id: UUID
    state: DocumentState
    waits_for: Stage | None  # null while a stage runs, and at the end
    position: int | None  # 1 is the next one
    waiting_s: float | None
    due_at: datetime | None  # of a retry that is not due yet
    eta_s: float | None  # until it is completed, at the rates of the last minutes

    @classmethod
    def of(cls, place: Place) -> "PlaceOut":
        view = place.document.view
        return cls(
            document_id=view.document_id,
            state=view.state,
            waits_for=view.waits_for,
            position=place.position,
            waiting_s=place.waiting_s,
            due_at=place.due_at,
            eta_s=place.eta_s,
        )


class RunOut(Answer):
    """One run of a stage; null where it has not told it, or not yet."""

    attempt: int
    outcome: str  # running, done, reused, retry, failed, cancelled or lost
    started_at: datetime | None
    ended_at: datetime | None
    waited_s: float | None
    ran_s: float | None
    worker: str | None
    mode: str | None  # standard, careful or plain
    pages: int | None
    peak_memory_bytes: int | None
    reason: str | None
    message: str | None
    next_mode: str | None  # what the next attempt changes
    reused_from: UUID | None  # outcome `reused`: the equal document whose result was taken over

    @classmethod
    def of(cls, run: RunEntry) -> "RunOut":
        told: Mapping[str, Any] = run.report
        names = ("waited_s", "ran_s", "worker", "mode", "pages", "peak_memory_bytes")
        return cls(
            attempt=run.attempt,
            outcome=run.outcome,
            started_at=run.started_at,
            ended_at=run.ended_at,
            reason=run.reason,
            message=run.message,
            next_mode=run.next_mode,
            reused_from=UUID(run.reused_from) if run.reused_from else None,
            **{name: told.get(name) for name in names},
        )


class StageTimeline(Answer):
    """A stage of one generation."""

    stage: Stage
    waited_s: float  # all its runs together
    ran_s: float
    attempts: int
    runs: list[RunOut]


class GenerationTimeline(Answer):
    """One processing, from the wish to its end."""

    generation: int
    from_stage: Stage
    state: str  # running, completed, failed or cancelled
    requested_at: datetime | None
    ended_at: datetime | None
    total_s: float | None
    stages: list[StageTimeline]

    @classmethod
    def of(cls, entry: GenerationEntry) -> "GenerationTimeline":
        ended, begun = entry.ended_at, entry.requested_at
        return cls(
            generation=entry.generation,
            from_stage=Stage(entry.from_stage),
            state=entry.state,
            requested_at=begun,
            ended_at=ended,
            total_s=(ended - begun).total_seconds() if ended and begun else None,
            stages=[_stage_timeline(one.stage, one.runs) for one in entry.stages],
        )


class TimelineOut(Answer):
    """Every generation of the document, the first one first."""

    document_id: UUID
    generations: list[GenerationTimeline]


def _stage_timeline(stage: str, runs: list[RunEntry]) -> StageTimeline:
    return StageTimeline(
        stage=Stage(stage),
        waited_s=round(sum(run.report.get("waited_s", 0.0) for run in runs), 3),
        ran_s=round(sum(run.report.get("ran_s", 0.0) for run in runs), 3),
        attempts=len(runs),
        runs=[RunOut.of(run) for run in runs],
    )


def _stage_queue(stage: Stage, rows: list[Waiting], observed: StageObserved | None) -> StageQueue:
    waiting = {row.priority: row.documents for row in rows}
    return StageQueue(
        stage=stage,
        waiting=sum(waiting.values()),
        waiting_by_priority={lane: waiting.get(lane, 0) for lane in Priority},
        oldest_s=round(max([0.0, *(row.oldest_s for row in rows)]), 3),
        queued=sum(observed.waiting.values()) if observed else 0,
        retrying=observed.retrying if observed else 0,
        running=observed.running if observed else 0,
        slots=observed.slots if observed else 0,
        dead=observed.dead if observed else 0,
        waiting_for_memory=observed.waiting_for_memory if observed else 0,
        stopped=observed.stopped if observed else None,
    )


def _metrics(stage: StageObserved, window_s: float) -> StageMetrics:
    return StageMetrics(
        stage=stage.stage,
        done=stage.done,
        failed=stage.failed,
        retried=stage.retried,
        done_per_s=round(rate_per_s(stage, window_s), 3),
        run_s=SpreadOut(p50=stage.run_s.p50, p95=stage.run_s.p95),
        wait_s=SpreadOut(p50=stage.wait_s.p50, p95=stage.wait_s.p95),
        running=stage.running,
        slots=stage.slots,
        utilisation=stage.utilisation,
    )


def _age_s(observed: ProcessingObserved | None, now: datetime) -> float | None:
    return None if observed is None else max(0.0, (now - observed.observed_at).total_seconds())
