"""The view of a document: what it shows, and what it never does."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docyard_common.errors import FailureReason
from docyard_common.events import documents as facts
from docyard_common.events import sequence
from docyard_common.events.envelope import DocumentEvent
from docyard_common.events.progress import DocumentView, advance, progress_data
from docyard_common.events.stages import DocumentState, Priority, Stage

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DOCUMENT = UUID(int=1)


def about(seq: int, generation: int = 1) -> dict[str, Any]:
    return {"document_id": DOCUMENT, "owner": "ann", "generation": generation, "seq": seq}


def accepted() -> facts.DocumentAccepted:
    return facts.DocumentAccepted(
        **about(sequence.ACCEPTED, 0),
        filename="a.pdf",
        content_type="application/pdf",
        size_bytes=1,
        sha256="0" * 64,
        object_key="k",
        priority=Priority.NORMAL,
        accepted_at=NOW,
    )


def started(stage: Stage, *, fence: int = 1, generation: int = 1) -> facts.StageStarted:
    seq = sequence.position(generation=generation, stage=stage, fence=fence, tick=0)
    return facts.StageStarted(**about(seq, generation), stage=stage, attempt=fence, at=NOW)


def ticked(stage: Stage, done: int, total: int, *, fence: int = 1) -> facts.DocumentProgressed:
    seq = sequence.position(generation=1, stage=stage, fence=fence, tick=done)
    return facts.DocumentProgressed(
        **about(seq), stage=stage, attempt=fence, at=NOW, pages_done=done, pages_total=total
    )


def finished(stage: Stage) -> facts.StageFinished:
    seq = sequence.position(generation=1, stage=stage, fence=9, tick=sequence.LAST_TICK)
    return facts.StageFinished(**about(seq), stage=stage, attempt=1, at=NOW, duration_s=1)


def failed(stage: Stage, *, fence: int = 1) -> facts.DocumentFailed:
    seq = sequence.position(generation=1, stage=stage, fence=fence, tick=sequence.LAST_TICK)
    return facts.DocumentFailed(
        **about(seq),
        stage=stage,
        attempt=fence,
        reason=FailureReason.ENCRYPTED_DOCUMENT,
        message="Remove the password.",
        failed_at=NOW,
    )


def completed(generation: int = 1) -> facts.DocumentCompleted:
    return facts.DocumentCompleted(
        **about(sequence.terminal(generation), generation), completed_at=NOW, pages_total=4
    )


def deleted(generation: int = 1) -> facts.DocumentDeleted:
    return facts.DocumentDeleted(**about(sequence.terminal(generation), generation), deleted_at=NOW)


def after(*events: DocumentEvent) -> DocumentView:
    view: DocumentView | None = None
    for event in events:
        view = advance(view, event)
    assert view is not None
    return view


def test_an_accepted_document_has_no_stage_and_no_progress() -> None:
    data = progress_data(after(accepted()))

    assert (data["state"], data["stage"], data["stage_index"], data["progress"]) == (
        "accepted",
        None,
        0,
        0.0,
    )


def test_half_the_pages_of_the_second_stage_are_three_eighths_of_the_whole() -> None:
    view = after(accepted(), started(Stage.EXTRACT), ticked(Stage.EXTRACT, 2, 4))

    assert (view.progress, view.pages_done, view.pages_total) == (37.5, 2, 4)
    assert view.state is DocumentState.EXTRACTING


def test_a_completed_document_is_at_a_hundred_without_a_stage() -> None:
    view = after(started(Stage.INDEX), completed())

    assert (view.progress, view.stage, view.stage_index, view.pages_done) == (100.0, None, 4, 4)
    assert view.completed_at == NOW


def test_a_failure_tells_its_reason_and_whether_trying_again_helps() -> None:
    assert progress_data(after(started(Stage.EXTRACT), failed(Stage.EXTRACT)))["error"] == {
        "code": "encrypted_document",
        "message": "Remove the password.",
        "retryable": False,
    }


def test_an_event_that_is_not_newer_gives_the_same_view_back() -> None:
    view = after(started(Stage.EXTRACT), ticked(Stage.EXTRACT, 2, 4))

    assert advance(view, ticked(Stage.EXTRACT, 1, 4)) is view
    assert advance(view, ticked(Stage.EXTRACT, 2, 4)) is view


def test_a_takeover_keeps_the_progress_of_the_run_that_died() -> None:
    view = after(ticked(Stage.EXTRACT, 3, 4), started(Stage.EXTRACT, fence=2))

    assert (view.progress, view.pages_done, view.attempt) == (43.8, 3, 2)


def test_a_replay_follows_a_failure() -> None:
    view = after(failed(Stage.EXTRACT, fence=3), started(Stage.EXTRACT, fence=4))

    assert (view.state, view.error, view.completed_at) == (DocumentState.EXTRACTING, None, None)


def test_another_generation_starts_over() -> None:
    view = after(completed(), started(Stage.VALIDATE, generation=2))

    assert (view.progress, view.state) == (0.0, DocumentState.VALIDATING)


@pytest.mark.parametrize("before", [(), (accepted(),), (completed(),)])
def test_deleting_is_newer_than_all_before_it_and_final(before: tuple[DocumentEvent, ...]) -> None:
    erased = after(*before, deleted())

    assert progress_data(erased)["state"] == "deleted"
    assert all(erased.seq > event.seq for event in before)
    assert advance(erased, started(Stage.VALIDATE, generation=2)) is erased
    assert advance(erased, deleted()) is erased


_STAGES = st.sampled_from(Stage)
_EVENTS = st.one_of(
    st.builds(started, _STAGES, fence=st.integers(1, 5)),
    st.builds(ticked, _STAGES, st.integers(0, 9), st.integers(0, 9), fence=st.integers(1, 5)),
    st.builds(finished, _STAGES),
    st.builds(failed, _STAGES, fence=st.integers(1, 5)),
    st.just(accepted()),
    st.just(completed()),
)


@given(st.lists(_EVENTS, min_size=1))
def test_in_any_order_neither_position_nor_progress_ever_falls(
    events: list[DocumentEvent],
) -> None:
    view: DocumentView | None = None
    for event in events:
        next_view = advance(view, event)
        if view is not None and next_view is not view:
            assert next_view.seq > view.seq
            assert next_view.progress >= view.progress or next_view.generation > view.generation
        assert 0 <= next_view.progress <= 100
        orjson.dumps(progress_data(next_view))
        view = next_view
