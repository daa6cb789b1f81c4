"""The memory of a replica: newer than the tables, and never forgetful too soon."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from docyard_common.events import documents as facts
from docyard_common.events import sequence
from docyard_common.events.envelope import DocumentEvent
from docyard_common.events.progress import DocumentView, advance
from docyard_common.events.stages import Stage
from notifier.recent import RecentViews
from notifier.updates import Update

DOCUMENT = UUID(int=1)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
EVENTS, PROGRESS = ("documents.events", 0), ("documents.progress", 0)


class Memory:
    """A memory whose clock and followers a test controls."""

    def __init__(self) -> None:
        self.now = 0.0
        self.wanted = False
        self.views = RecentViews(keep_s=60, is_wanted=lambda _: self.wanted, clock=lambda: self.now)

    def read(self, event: DocumentEvent, *, offset: int = 0) -> Update | None:
        place = PROGRESS if isinstance(event, facts.DocumentProgressed) else EVENTS
        return self.views.apply(event, place=place, offset=offset, timestamp_ms=0)


def started(fence: int = 1) -> facts.StageStarted:
    return facts.StageStarted.model_validate(_run(fence, 0))


def ticked(done: int, fence: int = 1) -> facts.DocumentProgressed:
    pages = {"pages_done": done, "pages_total": 10}
    return facts.DocumentProgressed.model_validate(_run(fence, done) | pages)


def deleted() -> facts.DocumentDeleted:
    seq = sequence.terminal(1)
    about = {"document_id": DOCUMENT, "owner": "ann", "generation": 1, "seq": seq}
    return facts.DocumentDeleted.model_validate(about | {"deleted_at": NOW})


def _run(fence: int, tick: int) -> dict[str, object]:
    return {
        "document_id": DOCUMENT,
        "owner": "ann",
        "generation": 1,
        "seq": sequence.position(generation=1, stage=Stage.EXTRACT, fence=fence, tick=tick),
        "stage": Stage.EXTRACT,
        "attempt": fence,
        "at": NOW,
    }


def test_a_tick_that_overtakes_the_start_of_its_stage_is_a_change() -> None:
    memory = Memory()

    first, late, second = memory.read(ticked(1)), memory.read(started()), memory.read(ticked(2))

    assert first is not None
    assert second is not None
    assert (first.change, late, second.change) == (True, None, False)


def test_nothing_leaves_before_the_tables_have_it() -> None:
    memory = Memory()
    memory.read(started(), offset=7)
    memory.read(ticked(1), offset=3)
    memory.now = 3600.0

    memory.views.evict({EVENTS: 8, PROGRESS: 3})
    assert memory.views.view(DOCUMENT) is not None

    memory.views.evict({EVENTS: 8, PROGRESS: 4})
    assert memory.views.view(DOCUMENT) is None


def test_what_is_recent_or_wanted_stays_though_the_tables_have_it() -> None:
    memory = Memory()
    memory.read(started(), offset=0)
    memory.views.evict({EVENTS: 1})
    assert len(memory.views) == 1

    memory.now, memory.wanted = 3600.0, True
    memory.views.evict({EVENTS: 1})
    assert len(memory.views) == 1
    assert memory.views.changes(DOCUMENT) == ()


def test_progress_builds_on_what_the_tables_know() -> None:
    memory = Memory()
    memory.views.learn([_view(ticked(8))])

    update = memory.read(started(fence=2))

    assert update is not None
    assert update.data["progress"] == 45.0


def test_a_newer_view_of_the_tables_does_not_swallow_events_still_to_be_read() -> None:
    memory = Memory()
    memory.read(started())
    memory.views.learn([_view(ticked(8))])

    update = memory.read(ticked(5))

    assert update is not None
    assert (update.data["pages_done"], update.data["progress"]) == (5, 45.0)


def test_a_stranger_generation_is_not_mixed_in() -> None:
    memory = Memory()
    memory.read(started())
    memory.views.learn([replace(_view(ticked(8)), generation=0)])

    view = memory.views.view(DOCUMENT)

    assert view is not None
    assert view.progress == 25.0


def test_a_generation_that_began_here_keeps_the_result_that_the_tables_know() -> None:
    memory = Memory()
    memory.read(started())
    memory.views.learn([replace(_view(ticked(8)), generation=0, result_generation=0)])

    view = memory.views.view(DOCUMENT)

    assert view is not None
    assert view.result_generation == 0


def test_what_the_tables_knew_first_is_told_once_when_it_is_read() -> None:
    memory = Memory()
    memory.views.learn([_view(started(fence=2))])

    told = [memory.read(event) for event in (started(), started(fence=2), started(fence=2))]

    assert [update and update.seq for update in told] == [
        started().seq,
        started(fence=2).seq,
        None,
    ]


def test_a_late_tick_is_not_told_behind_what_the_tables_knew() -> None:
    memory = Memory()
    memory.views.learn([_view(ticked(8))])

    assert memory.read(ticked(5)) is None


def test_of_a_document_that_the_tables_know_as_deleted_only_the_deletion_is_told() -> None:
    memory = Memory()
    memory.views.learn([_view(deleted())])

    told = [memory.read(event) for event in (started(), deleted(), deleted())]

    assert [update and update.data["state"] for update in told] == [None, "deleted", None]


def _view(event: DocumentEvent) -> DocumentView:
    return advance(None, event)
