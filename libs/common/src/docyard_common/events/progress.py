"""What a document looks like from outside: one view, advanced by one event at a time.

Every projection and every live stream uses `advance`, so that polling and streaming never differ.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, singledispatch
from typing import Any, Final
from uuid import UUID

from docyard_common.errors import FailureReason
from docyard_common.events import documents as facts
from docyard_common.events.envelope import DocumentEvent
from docyard_common.events.stages import STAGE_COUNT, DocumentState, Stage

DELETED: Final = "deleted"
"""The `state` that a client reads of an erased document; nothing follows it."""


@dataclass(frozen=True, slots=True)
class ViewError:
    """Why a document failed, or why its stage is tried again."""

    code: FailureReason
    message: str
    retryable: bool  # whether the same bytes may pass another time


@dataclass(frozen=True, slots=True)
class DocumentView:
    """A document as its owner sees it at position *seq*.

    `progress` (0-100, over all stages) never falls inside a generation; `pages_done` never falls
    inside a stage. A deleted document is a tombstone: it takes no further event.
    """

    document_id: UUID
    owner: str
    generation: int
    seq: int
    updated_at: datetime  # when the newest event happened, by its writer's clock
    state: DocumentState = DocumentState.ACCEPTED
    deleted: bool = False
    stage: Stage | None = None  # None before the first stage and once completed
    progress: float = 0.0
    pages_done: int | None = None  # in the current stage; None where the stage has no pages
    pages_total: int | None = None
    message: str = ""
    eta_s: float | None = None  # of the current stage
    attempt: int = 1
    error: ViewError | None = None
    completed_at: datetime | None = None  # when it became completed, failed or cancelled
    result_generation: int | None = None  # the newest that is whole: what readers get
    waits_for: Stage | None = (
        None  # the stage that has not begun; None while one runs, or at an end
    )
    waiting_since: datetime | None = None  # from when on it could have begun
    pipeline_version: int = 0  # of the code that made that result; 0 while there is none
    document_type: str | None = None  # by that result

    @property
    def is_terminal(self) -> bool:
        """Whether nothing follows unless somebody asks for it."""
        return self.deleted or self.state.is_terminal

    @property
    def stage_index(self) -> int:
        """Position of the stage, 1-4; 0 before the first, 4 once completed."""
        if self.stage is not None:
            return self.stage.position
        return STAGE_COUNT if self.state is DocumentState.COMPLETED else 0


def advance(view: DocumentView | None, event: DocumentEvent) -> DocumentView:
    """Return the view after *event*; *view* itself, the same object, if the event is not newer.

    Deleting always counts, once: its `seq` is made newer than all that was seen before, because
    it may share its position with `completed` or `cancelled`.
    """
    if isinstance(event, facts.DocumentDeleted):
        return _erase(view, event)
    if view is not None and (view.deleted or event.seq <= view.seq):
        return view
    at = _happened_at(event)
    if view is None or event.generation > view.generation:
        view = _begun(view, event, at)
    return _apply(event, replace(view, seq=event.seq, updated_at=at))


def progress_data(view: DocumentView) -> Mapping[str, Any]:
    """Return *view* as the `data` of progress messages: JSON types only."""
    error = view.error
    return {
        "state": DELETED if view.deleted else view.state.value,
        "stage": view.stage.value if view.stage else None,
        "stage_index": view.stage_index,
        "stage_count": STAGE_COUNT,
        "progress": view.progress,
        "pages_done": view.pages_done,
        "pages_total": view.pages_total,
        "message": view.message,
        "eta_s": view.eta_s,
        "attempt": view.attempt,
        "error": error
        and {"code": error.code.value, "message": error.message, "retryable": error.retryable},
    }


def _begun(view: DocumentView | None, event: DocumentEvent, at: datetime) -> DocumentView:
    """Return the view of a generation that begins; the result of an earlier one stays."""
    begun = DocumentView(event.document_id, event.owner, event.generation, event.seq, at)
    if view is None:
        return begun
    return replace(
        begun,
        result_generation=view.result_generation,
        pipeline_version=view.pipeline_version,
        document_type=view.document_type,
    )


def _erase(view: DocumentView | None, event: facts.DocumentDeleted) -> DocumentView:
    if view is not None and view.deleted:
        return view
    # One above a generation's last position is below the first of the next generation: free.
    seq = max(event.seq, view.seq if view else 0) + 1
    generation = max(event.generation, view.generation if view else 0)
    return DocumentView(
        event.document_id, event.owner, generation, seq, event.deleted_at, deleted=True
    )


_TIMES: Final = ("at", "accepted_at", "completed_at", "failed_at", "cancelled_at", "found_at")


def _happened_at(event: DocumentEvent) -> datetime:
    """Return the event's own time: each document event has exactly one of these fields."""
    at: datetime = getattr(event, _time_of(type(event)))
    return at


@cache
def _time_of(kind: type[DocumentEvent]) -> str:
    return next(name for name in _TIMES if name in kind.model_fields)


@singledispatch
def _apply(event: DocumentEvent, view: DocumentView) -> DocumentView:
    """Leave the view as it is: events about a document that say nothing about its progress."""
    del event
    return view


@_apply.register
def _(event: facts.DocumentAccepted, view: DocumentView) -> DocumentView:
    del event
    return _waiting(replace(view, message="Waiting for a free slot"), Stage.VALIDATE)


@_apply.register
def _(event: facts.ReprocessingAccepted, view: DocumentView) -> DocumentView:
    return _waiting(replace(view, message="Waiting for a free slot"), event.from_stage)


@_apply.register
def _(event: facts.StageStarted, view: DocumentView) -> DocumentView:
    return _run(view, event, pages=(None, None), message="")


@_apply.register
def _(event: facts.DocumentProgressed, view: DocumentView) -> DocumentView:
    view = _run(view, event, pages=(event.pages_done, event.pages_total), message=event.message)
    return replace(view, eta_s=event.eta_s)


@_apply.register
def _(event: facts.StageFinished, view: DocumentView) -> DocumentView:
    total = event.pages_total
    message = "Taken over from an equal document" if event.reused_from else ""
    view = _run(view, event, pages=(total, total), message=message)
    view = replace(view, progress=max(view.progress, _overall(event.stage, 1.0)))
    return _waiting(view, event.stage.following)


@_apply.register
def _(event: facts.StageRetrying, view: DocumentView) -> DocumentView:
    view = _run(view, event, pages=(None, None), message=event.message)
    view = replace(view, error=ViewError(event.reason, event.message, retryable=True))
    return _waiting(view, event.stage, since=event.due_at)


@_apply.register
def _(event: facts.DocumentCompleted, view: DocumentView) -> DocumentView:
    total = view.pages_total if event.pages_total is None else event.pages_total
    view = replace(
        view,
        result_generation=event.generation,
        pipeline_version=event.pipeline_version,
        document_type=event.document_type,
    )
    return _end(
        replace(view, stage=None, progress=100.0, pages_done=total, pages_total=total),
        DocumentState.COMPLETED,
        message="Some pages could not be read" if event.with_errors else "",
    )


@_apply.register
def _(event: facts.DocumentFailed, view: DocumentView) -> DocumentView:
    view = replace(view, stage=event.stage, attempt=event.attempt)
    error = ViewError(event.reason, event.message, retryable=not event.reason.blames_the_document)
    return _end(view, DocumentState.FAILED, message=event.message, error=error)


@_apply.register
def _(event: facts.DocumentCancelled, view: DocumentView) -> DocumentView:
    del event
    return _end(view, DocumentState.CANCELLED, message="")


def _run(
    view: DocumentView,
    event: facts.StageEvent,
    *,
    pages: tuple[int | None, int | None],
    message: str,
) -> DocumentView:
    """Return the view of a document whose stage runs; *pages* are done and total, where known."""
    done, total = pages
    if event.stage is view.stage:
        done = max((n for n in (done, view.pages_done) if n is not None), default=None)
    total = view.pages_total if total is None else total
    fraction = min(1.0, done / total) if done and total else 0.0
    return replace(
        view,
        state=event.stage.running_state,
        stage=event.stage,
        progress=max(view.progress, _overall(event.stage, fraction)),
        pages_done=done,
        pages_total=total,
        message=message,
        eta_s=None,
        attempt=event.attempt,
        error=None,
        completed_at=None,
        waits_for=None,
        waiting_since=None,
    )


def _waiting(
    view: DocumentView, stage: Stage | None, *, since: datetime | None = None
) -> DocumentView:
    """Return *view* as waiting for *stage* since *since*, or since its newest event."""
    return replace(
        view, waits_for=stage, waiting_since=(since or view.updated_at) if stage else None
    )


def _end(
    view: DocumentView, state: DocumentState, *, message: str, error: ViewError | None = None
) -> DocumentView:
    return replace(
        view,
        state=state,
        message=message,
        eta_s=None,
        error=error,
        completed_at=view.updated_at,
        waits_for=None,
        waiting_since=None,
    )


def _overall(stage: Stage, fraction: float) -> float:
    """Return 0-100 over all stages, to one decimal: a page of a thousand must be seen to move."""
    return round((stage.position - 1 + fraction) / STAGE_COUNT * 100, 1)
