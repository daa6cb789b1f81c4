"""Documents are processed once more: when, what is asked for, and what readers see meanwhile."""

from datetime import UTC, datetime
from uuid import UUID

import httpx
import pytest
from tests.integration.ingest.serving import RunningIngest
from tests.integration.ingest.test_projector import records
from tests.waiting import eventually

from docyard_common import artifacts
from docyard_common.analysis import Analysis
from docyard_common.artifacts import ExtractManifest, Page, PageBatch
from docyard_common.clock import SystemClock
from docyard_common.database import Database
from docyard_common.events import sequence
from docyard_common.events.documents import (
    DocumentCancelled,
    DocumentCompleted,
    ReprocessingAccepted,
)
from docyard_common.events.stages import Priority, Stage
from docyard_common.events.work import CancelRequested, RemovalRequested, StageRequested
from docyard_common.outbox import Outbox
from ingest.projector import Projector

pytestmark = pytest.mark.integration
NOW = datetime(2030, 1, 1, tzinfo=UTC)
DOCUMENTS = "/api/v1/documents"


@pytest.fixture
def projector(database: Database) -> Projector:
    return Projector(database=database, outbox=Outbox(source="ingest"), clock=SystemClock())


def completed(document_id: UUID, generation: int, *, version: int = 1) -> DocumentCompleted:
    return DocumentCompleted(
        document_id=document_id, owner="ann", generation=generation,
        seq=sequence.terminal(generation), completed_at=NOW, pipeline_version=version,
    )  # fmt: skip


def cancelled(document_id: UUID, generation: int) -> DocumentCancelled:
    return DocumentCancelled(
        document_id=document_id, owner="ann", generation=generation,
        seq=sequence.terminal(generation), cancelled_at=NOW,
    )  # fmt: skip


async def put_result(ingest: RunningIngest, document_id: UUID, generation: int, text: str) -> None:
    key = artifacts.pages_key(document_id, generation, first=1, last=1)
    await ingest.store.put(key, artifacts.dump_pages([Page(number=1, text=text)]))
    manifest = ExtractManifest(
        media_type="text/plain", page_count=1, characters=len(text), extractor="text",
        batches=(PageBatch(first=1, last=1, key=key),),
    )  # fmt: skip
    analysis = Analysis(language="en", language_confidence=1.0)
    for stage, artifact in (("extract", manifest), ("analyze", analysis)):
        name = artifacts.manifest_key(document_id, generation, stage)
        await ingest.store.put(name, artifacts.dump(artifact))


@pytest.fixture
async def document_id(ingest: RunningIngest, projector: Projector) -> UUID:
    """A document whose first generation is whole."""
    answer = await ingest.upload(processing_options='{"ocr": false}')
    found = UUID(answer.json()["document_id"])
    await projector.apply(records(completed(found, 1)))
    await put_result(ingest, found, 1, "first")
    return found


async def reprocess(
    ingest: RunningIngest, document_id: UUID, *, headers: dict[str, str] | None = None, **body: str
) -> httpx.Response:
    url = f"{DOCUMENTS}/{document_id}/reprocess"
    return await ingest.client.post(url, json=body, headers=headers)


async def test_a_reprocessed_document_is_asked_for_whole_in_the_next_generation(
    ingest: RunningIngest, document_id: UUID
) -> None:
    answer = await reprocess(ingest, document_id)

    assert answer.status_code == 202
    shown = answer.json()
    assert (shown["state"], shown["generation"], shown["result_generation"]) == ("accepted", 2, 1)
    (_, fact), (topic, work) = (await ingest.outbox())[-2:]
    assert isinstance(fact, ReprocessingAccepted)
    assert topic == "work.validate.normal"
    assert isinstance(work, StageRequested)
    assert (work.generation, work.options, work.inherits_from) == (2, {"ocr": False}, None)


async def test_readers_get_the_old_result_until_the_new_one_is_whole(
    ingest: RunningIngest, projector: Projector, document_id: UUID
) -> None:
    await reprocess(ingest, document_id)
    await put_result(ingest, document_id, 2, "second")
    url = f"{DOCUMENTS}/{document_id}/text"

    before = (await ingest.client.get(url)).text
    await projector.apply(records(completed(document_id, 2)))
    after = (await ingest.client.get(url)).text

    assert (before, after) == ("first", "second")
    topic, command = (await ingest.outbox())[-1]
    assert topic == "commands"
    assert isinstance(command, RemovalRequested)
    assert command.below_generation == 2


async def test_a_cancelled_reprocessing_leaves_the_old_result(
    ingest: RunningIngest, projector: Projector, document_id: UUID
) -> None:
    await reprocess(ingest, document_id)

    await ingest.client.post(f"{DOCUMENTS}/{document_id}/cancel")
    _, command = (await ingest.outbox())[-1]
    await projector.apply(records(cancelled(document_id, 2)))

    assert isinstance(command, CancelRequested)
    assert (command.generation, command.result_generation) == (2, 1)
    assert (await ingest.client.get(f"{DOCUMENTS}/{document_id}/text")).text == "first"
    assert (await reprocess(ingest, document_id)).json()["generation"] == 3


async def test_a_later_stage_begins_with_what_the_earlier_ones_left(
    ingest: RunningIngest, document_id: UUID
) -> None:
    await reprocess(ingest, document_id, from_stage="index", priority="low")

    topic, work = (await ingest.outbox())[-1]
    assert topic == "work.index.low"
    assert isinstance(work, StageRequested)
    assert (work.stage, work.inherits_from) == (Stage.INDEX, 1)
    assert (work.language, work.pages_total) == ("en", 1)


@pytest.mark.parametrize("stage", [Stage.ANALYZE, Stage.INDEX])
async def test_what_begins_late_is_asked_for_again_as_it_began(
    ingest: RunningIngest, document_id: UUID, stage: Stage
) -> None:
    await reprocess(ingest, document_id, from_stage=stage)
    _, first = (await ingest.outbox())[-1]

    again = await reconciled(ingest)

    assert isinstance(first, StageRequested)
    assert (again.stage, again.inherits_from) == (stage, 1)
    told = {"reconciling": True, "accepted_at": again.accepted_at}
    assert again == first.model_copy(update=told)


async def test_a_generation_from_the_start_forgets_where_the_one_before_began(
    ingest: RunningIngest, projector: Projector, document_id: UUID
) -> None:
    await reprocess(ingest, document_id, from_stage="index")
    await projector.apply(records(completed(document_id, 2)))
    await reprocess(ingest, document_id)

    again = await reconciled(ingest)

    assert (again.generation, again.stage, again.inherits_from) == (3, Stage.VALIDATE, None)


async def reconciled(ingest: RunningIngest) -> StageRequested:
    """Return what is asked for when the only unfinished document is put back to work."""
    operator = ingest.as_owner("olga", roles=("operator",))
    answer = await ingest.client.post("/api/v1/reconcile", json={}, headers=operator)
    assert answer.is_success, answer.text
    _, work = (await ingest.outbox())[-1]
    assert isinstance(work, StageRequested)
    assert work.reconciling
    return work


async def test_a_stage_that_was_never_reached_can_not_be_begun_with(
    ingest: RunningIngest, projector: Projector
) -> None:
    document_id = UUID((await ingest.upload()).json()["document_id"])
    await projector.apply(records(cancelled(document_id, 1)))

    answer = await reprocess(ingest, document_id, from_stage="analyze")

    assert (answer.status_code, answer.json()["code"]) == (409, "STAGE_NOT_REACHED")
    assert (await reprocess(ingest, document_id)).status_code == 202


async def test_a_document_in_work_is_not_reprocessed(
    ingest: RunningIngest, document_id: UUID
) -> None:
    await reprocess(ingest, document_id)
    waiting = len(await ingest.outbox())

    again = await reprocess(ingest, document_id)
    foreign = await reprocess(ingest, document_id, headers=ingest.as_owner("bob"))

    assert (again.status_code, again.json()["code"]) == (409, "DOCUMENT_IN_WORK")
    assert foreign.status_code == 404
    assert len(await ingest.outbox()) == waiting


async def test_the_same_idempotency_key_begins_one_generation(
    ingest: RunningIngest, document_id: UUID
) -> None:
    key = {"Idempotency-Key": "once"}

    first, second = [await reprocess(ingest, document_id, headers=key) for _ in range(2)]
    other = await reprocess(ingest, document_id, headers=key, from_stage="extract")

    assert (first.status_code, second.status_code) == (202, 202)
    assert second.json()["generation"] == 2
    assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")


@pytest.mark.parametrize("what", ["cancel", "reprocess"])
async def test_the_same_idempotency_key_places_one_order(ingest: RunningIngest, what: str) -> None:
    key, url = {"Idempotency-Key": "once"}, f"{DOCUMENTS}/{what}"

    first, second = [
        await ingest.client.post(url, json={"all": True}, headers=key) for _ in range(2)
    ]
    other = await ingest.client.post(url, json={"all": True, "max": 3}, headers=key)

    assert first.status_code == second.status_code == 202
    assert first.json()["id"] == second.json()["id"]
    assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert len((await ingest.client.get(f"{DOCUMENTS}/bulk")).json()["items"]) == 1


async def test_numbers_that_the_database_can_not_hold_are_refused(ingest: RunningIngest) -> None:
    most = 2**31
    listed = await ingest.client.get(DOCUMENTS, params={"pipeline_version_below": most})
    ordered = await ingest.client.post(
        f"{DOCUMENTS}/cancel", json={"filter": {"pipeline_version_below": most}}
    )
    operator = ingest.as_owner("olga", roles=("operator",))
    silent = await ingest.client.post(
        "/api/v1/reconcile", json={"silent_s": 1e12}, headers=operator
    )

    assert [one.status_code for one in (listed, ordered, silent)] == [422, 422, 422]


async def test_a_filter_reprocesses_what_an_older_pipeline_has_made(
    ingest: RunningIngest, projector: Projector
) -> None:
    ids = [UUID((await ingest.upload(b"%d" % n)).json()["document_id"]) for n in range(4)]
    versions = [1, 1, 2]
    await projector.apply(
        records(*(completed(i, 1, version=v) for i, v in zip(ids, versions, strict=False)))
    )
    body = {"filter": {"pipeline_version_below": 2}, "rate_per_s": 500}

    preview = await ingest.client.post(f"{DOCUMENTS}/reprocess", json={**body, "dry_run": True})
    order = await ingest.client.post(f"{DOCUMENTS}/reprocess", json=body)
    url = f"{DOCUMENTS}/bulk/{order.json()['id']}"
    await eventually(lambda: _is(ingest, url, "completed"))

    assert (preview.status_code, preview.json()["matched"], preview.json()["eligible"]) == (
        200, 3, 2,
    )  # fmt: skip
    ended = (await ingest.client.get(url)).json()
    assert (ended["matched"], ended["done"], ended["skipped"]) == (3, 2, {"document_in_work": 1})
    assert ended["in_work"] == 2
    lanes = {e.priority for _, e in await ingest.outbox() if isinstance(e, StageRequested)}
    assert Priority.LOW in lanes
    assert [await _generation(ingest, i) for i in ids] == [2, 2, 1, 1]


async def test_a_paused_operation_begins_nothing_and_its_budget_holds(
    ingest: RunningIngest, projector: Projector
) -> None:
    ids = [UUID((await ingest.upload(b"%d" % n)).json()["document_id"]) for n in range(3)]
    await projector.apply(records(*(completed(i, 1) for i in ids)))
    body = {"all": True, "rate_per_s": 500, "max_in_work": 1}
    order = (await ingest.client.post(f"{DOCUMENTS}/reprocess", json=body)).json()
    url = f"{DOCUMENTS}/bulk/{order['id']}"
    await eventually(lambda: _done(ingest, url, 1))

    paused = (await ingest.client.post(f"{url}/pause")).json()
    await projector.apply(records(completed(ids[0], 2)))
    foreign = await ingest.client.get(url, headers=ingest.as_owner("bob"))
    resumed = (await ingest.client.post(f"{url}/resume")).json()
    await eventually(lambda: _done(ingest, url, 2))
    ended = (await ingest.client.post(f"{url}/cancel")).json()

    assert (paused["status"], paused["done"]) == ("paused", 1)
    assert (resumed["status"], foreign.status_code) == ("pending", 404)
    assert (ended["status"], ended["done"]) == ("cancelled", 2)
    again = await ingest.client.post(f"{url}/resume")
    assert (again.status_code, again.json()["code"]) == (409, "BULK_OPERATION_OVER")


async def test_a_filter_cancels_what_is_in_work(
    ingest: RunningIngest, projector: Projector
) -> None:
    ids = [UUID((await ingest.upload(b"%d" % n)).json()["document_id"]) for n in range(2)]
    await projector.apply(records(completed(ids[0], 1)))
    body = {"filter": {"document_ids": [str(i) for i in ids]}}

    order = (await ingest.client.post(f"{DOCUMENTS}/cancel", json=body)).json()
    url = f"{DOCUMENTS}/bulk/{order['id']}"
    await eventually(lambda: _is(ingest, url, "completed"))

    ended = (await ingest.client.get(url)).json()
    assert (ended["done"], ended["skipped"]) == (1, {"already_terminal": 1})
    commands = [e for _, e in await ingest.outbox() if isinstance(e, CancelRequested)]
    assert [command.document_id for command in commands] == [ids[1]]


async def test_orders_that_are_not_meant_are_refused(ingest: RunningIngest) -> None:
    unnarrowed = await ingest.client.post(f"{DOCUMENTS}/cancel", json={})
    unknown = await ingest.client.post(f"{DOCUMENTS}/cancel", json={"filter": {"colour": "red"}})
    others = await ingest.client.post(f"{DOCUMENTS}/cancel", json={"all": True, "all_owners": True})

    assert [a.status_code for a in (unnarrowed, unknown, others)] == [422, 422, 403]
    assert (await ingest.client.get(f"{DOCUMENTS}/bulk")).json()["items"] == []


async def _is(ingest: RunningIngest, url: str, status: str) -> bool:
    found: dict[str, object] = (await ingest.client.get(url)).json()
    return found["status"] == status


async def _done(ingest: RunningIngest, url: str, count: int) -> bool:
    found: dict[str, object] = (await ingest.client.get(url)).json()
    return found["done"] == count


async def _generation(ingest: RunningIngest, document_id: UUID) -> int:
    found: dict[str, int] = (await ingest.client.get(f"{DOCUMENTS}/{document_id}")).json()
    return found["generation"]
