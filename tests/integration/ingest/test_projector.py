"""The projector keeps rows true, whatever comes twice, late, broken or for a deleted document."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from tests.integration.ingest.serving import RunningIngest

from docyard_common.errors import FailureReason
from docyard_common.events import codec, sequence
from docyard_common.events.documents import (
    DocumentCompleted,
    DocumentFailed,
    DocumentProgressed,
    StageFinished,
    StageRetrying,
    StageStarted,
)
from docyard_common.events.envelope import DocumentEvent
from docyard_common.events.stages import Stage
from docyard_common.kafka.received import ReceivedRecord
from ingest.projector import Projector

pytestmark = pytest.mark.integration
NOW = datetime(2030, 1, 1, tzinfo=UTC)


def at(stage: Stage, *, fence: int = 1, tick: int = 0) -> int:
    return sequence.position(generation=1, stage=stage, fence=fence, tick=tick)


def started(document_id: UUID, stage: Stage, *, fence: int = 1) -> StageStarted:
    return StageStarted(
        document_id=document_id, owner="ann", generation=1, seq=at(stage, fence=fence),
        stage=stage, attempt=fence, at=NOW,
    )  # fmt: skip


def progressed(document_id: UUID, done: int, total: int) -> DocumentProgressed:
    return DocumentProgressed(
        document_id=document_id, owner="ann", generation=1, seq=at(Stage.EXTRACT, tick=done),
        stage=Stage.EXTRACT, attempt=1, at=NOW, pages_done=done, pages_total=total, eta_s=30.0,
    )  # fmt: skip


def finished(document_id: UUID, stage: Stage) -> StageFinished:
    return StageFinished(
        document_id=document_id, owner="ann", generation=1,
        seq=at(stage, tick=sequence.LAST_TICK), stage=stage, attempt=1, at=NOW, duration_s=1.0,
    )  # fmt: skip


def completed(document_id: UUID) -> DocumentCompleted:
    return DocumentCompleted(
        document_id=document_id, owner="ann", generation=1, seq=sequence.terminal(1),
        completed_at=NOW, pages_total=10, document_type="invoice",
    )  # fmt: skip


def records(*events: DocumentEvent) -> list[ReceivedRecord]:
    encoded = [codec.encode(event, topic="documents.events", source="test") for event in events]
    return [
        ReceivedRecord("documents.events", 0, n, 0, r.key, r.value, tuple(r.headers))
        for n, r in enumerate(encoded)
    ]


@pytest.fixture
async def document_id(ingest: RunningIngest) -> UUID:
    return UUID((await ingest.upload()).json()["document_id"])


async def shown(ingest: RunningIngest, document_id: UUID) -> dict[str, object]:
    answer = await ingest.client.get(f"/api/v1/documents/{document_id}")
    found: dict[str, object] = answer.json()
    return found


async def test_a_documents_way_is_shown_step_by_step(
    ingest: RunningIngest, projector: Projector, document_id: UUID
) -> None:
    await projector.apply(records(started(document_id, Stage.EXTRACT)))
    assert (await shown(ingest, document_id))["state"] == "extracting"

    await projector.apply(records(progressed(document_id, 5, 10)))
    running = await shown(ingest, document_id)
    assert (running["pages_done"], running["pages_total"], running["eta_s"]) == (5, 10, 30.0)
    assert running["progress"] == 37.5
    short = (await ingest.client.get(f"/upload-status/{document_id}")).json()
    assert short == {
        "status": "extracting",
        "progress": 37.5,
        "stage": "extract",
        "estimated_completion": (NOW + timedelta(seconds=30)).isoformat().replace("+00:00", "Z"),
    }

    await projector.apply(records(finished(document_id, Stage.INDEX), completed(document_id)))
    done = await shown(ingest, document_id)
    assert (done["state"], done["stage"], done["progress"]) == ("completed", None, 100)
    assert done["completed_at"] == "2030-01-01T00:00:00Z"


async def test_documents_are_listed_by_the_type_of_their_whole_result(
    ingest: RunningIngest, projector: Projector, document_id: UUID
) -> None:
    async def of_type(name: str) -> list[str]:
        answer = await ingest.client.get("/api/v1/documents", params={"document_type": name})
        return [item["document_id"] for item in answer.json()["items"]]

    early = await of_type("invoice")
    await projector.apply(records(completed(document_id)))

    assert early == []
    assert await of_type("invoice") == [str(document_id)]
    assert await of_type("letter") == []
    assert (await shown(ingest, document_id))["document_type"] == "invoice"


async def test_what_comes_twice_or_late_changes_nothing(
    ingest: RunningIngest, projector: Projector, document_id: UUID
) -> None:
    story = [started(document_id, Stage.VALIDATE), progressed(document_id, 3, 10),
             completed(document_id)]  # fmt: skip
    await projector.apply(records(*story))
    before = await shown(ingest, document_id)
    events = await ingest.rows("select * from document_events order by seq")

    await projector.apply(records(*story))
    await projector.apply(records(progressed(document_id, 9, 10)))

    assert await shown(ingest, document_id) == before
    assert await ingest.rows("select * from document_events order by seq") == events


async def test_facts_become_the_history_and_ticks_do_not(
    ingest: RunningIngest, projector: Projector, document_id: UUID
) -> None:
    await projector.apply(
        records(started(document_id, Stage.EXTRACT), progressed(document_id, 1, 2),
                finished(document_id, Stage.EXTRACT), completed(document_id))
    )  # fmt: skip

    url = f"/api/v1/documents/{document_id}/events"
    first = (await ingest.client.get(url, params={"limit": 3})).json()
    rest = (await ingest.client.get(url, params={"cursor": first["next_cursor"]})).json()

    types = [item["type"].split(".")[2] for item in first["items"] + rest["items"]]
    assert types == ["accepted", "stage_started", "stage_finished", "completed"]
    assert first["items"][1]["data"]["stage"] == "extract"
    assert "owner" not in first["items"][1]["data"]
    assert rest["next_cursor"] is None


async def test_a_failure_whose_message_holds_a_zero_is_applied(
    ingest: RunningIngest, projector: Projector, document_id: UUID
) -> None:
    failed = DocumentFailed(
        document_id=document_id, owner="ann", generation=1,
        seq=at(Stage.VALIDATE, tick=sequence.LAST_TICK), stage=Stage.VALIDATE, attempt=1,
        reason=FailureReason.UNREADABLE_DOCUMENT, message="no-type", failed_at=NOW,
    )  # fmt: skip
    [record] = records(failed)
    assert record.value is not None
    torn = replace(record, value=record.value.replace(b"no-type", b"no\\u0000type"))

    await projector.apply([*records(started(document_id, Stage.VALIDATE)), torn])

    document = await shown(ingest, document_id)
    assert document["state"] == "failed"
    assert document["error"] == {
        "code": "unreadable_document", "message": "notype", "retryable": False
    }  # fmt: skip


async def test_a_failure_says_why_and_a_retry_clears_it(
    ingest: RunningIngest, projector: Projector, document_id: UUID
) -> None:
    retrying = StageRetrying(
        document_id=document_id, owner="ann", generation=1,
        seq=at(Stage.EXTRACT, tick=sequence.LAST_TICK), stage=Stage.EXTRACT, attempt=1, at=NOW,
        reason=FailureReason.MEMORY_LIMIT, message="too big", due_at=NOW,
    )  # fmt: skip
    await projector.apply(records(started(document_id, Stage.EXTRACT), retrying))
    assert (await shown(ingest, document_id))["error"] == {
        "code": "memory_limit", "message": "too big", "retryable": True,
    }  # fmt: skip

    await projector.apply(records(started(document_id, Stage.EXTRACT, fence=2)))
    again = await shown(ingest, document_id)
    assert (again["error"], again["attempt"]) == (None, 2)

    failed = DocumentFailed(
        document_id=document_id, owner="ann", generation=1,
        seq=at(Stage.EXTRACT, fence=2, tick=sequence.LAST_TICK), stage=Stage.EXTRACT, attempt=2,
        reason=FailureReason.UNREADABLE_DOCUMENT, message="no PDF", failed_at=NOW,
    )  # fmt: skip
    await projector.apply(records(failed))
    ended = await shown(ingest, document_id)
    assert (ended["state"], ended["stage"]) == ("failed", "extract")
    assert ended["error"] == {
        "code": "unreadable_document", "message": "no PDF", "retryable": False,
    }  # fmt: skip


async def test_a_deleted_document_does_not_come_back(
    ingest: RunningIngest, projector: Projector, document_id: UUID
) -> None:
    await ingest.client.delete(f"/api/v1/documents/{document_id}")

    await projector.apply(records(started(document_id, Stage.EXTRACT), completed(document_id)))

    assert await ingest.rows("select * from documents") == []
    assert await ingest.rows("select * from document_events") == []


async def test_records_that_can_not_be_read_delay_nobody(
    ingest: RunningIngest, projector: Projector, document_id: UUID
) -> None:
    good = records(completed(document_id))[0]
    poison = [
        ReceivedRecord("documents.events", 0, 1, 0, None, None, ()),
        ReceivedRecord("documents.events", 0, 2, 0, b"k", b"{", good.headers),
        ReceivedRecord("documents.events", 0, 3, 0, b"k", b"{}", (("ce_type", b"\xff"),)),
        ReceivedRecord("documents.events", 0, 4, 0, b"k", b"{}", (("ce_type", b"x.y.v9"),)),
    ]

    await projector.apply([*poison, good])

    assert (await shown(ingest, document_id))["state"] == "completed"
