"""Documents are processed once more: when, what is asked for, and what readers see meanwhile."""

from uuid import UUID

import pytest
from tests.integration.ingest.generations import (
    DOCUMENTS,
    cancelled,
    completed,
    put_result,
    reprocess,
)
from tests.integration.ingest.serving import RunningIngest
from tests.integration.ingest.test_projector import records

from docyard_common.events.documents import (
    ReprocessingAccepted,
)
from docyard_common.events.stages import Stage
from docyard_common.events.work import CancelRequested, RemovalRequested, StageRequested
from ingest.projector import Projector

pytestmark = pytest.mark.integration


@pytest.fixture
async def document_id(ingest: RunningIngest, projector: Projector) -> UUID:
    """A document whose first generation is whole."""
    answer = await ingest.upload(processing_options='{"ocr": false}')
    found = UUID(answer.json()["document_id"])
    await projector.apply(records(completed(found, 1)))
    await put_result(ingest, found, 1, "first")
    return found


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
