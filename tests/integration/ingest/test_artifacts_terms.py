"""What was made of documents is kept for as long as the owner's terms say, and can be made anew."""

import hashlib
from datetime import UTC, datetime
from uuid import UUID

import pytest
from tests.integration.ingest.chunks import initiate
from tests.integration.ingest.generations import cancelled, completed, put_result, reprocess
from tests.integration.ingest.serving import RunningIngest
from tests.integration.ingest.test_projector import records
from tests.integration.ingest.test_retention import set_terms, sweep

from docyard_common.database import Database
from docyard_common.errors import FailureReason
from docyard_common.events import sequence
from docyard_common.events.documents import DocumentFailed, StageStarted
from docyard_common.events.stages import Stage
from docyard_common.events.work import CancelRequested, RemovalRequested
from docyard_common.search import EMBEDDING_SIZE, Chunk, IndexedDocument, PostgresSearchIndex
from docyard_common.search.embedding_model import embedding_model
from ingest.projector import Projector
from ingest.settings import RetentionSettings

pytestmark = pytest.mark.integration
DOCUMENTS = "/api/v1/documents"
WEEK = RetentionSettings(artifacts_days=7)
LATER = 365 * 10
"""Days; the documents of these tests end in 2030."""


@pytest.fixture
async def document_id(ingest: RunningIngest, projector: Projector) -> UUID:
    """A document whose first generation is whole."""
    found = UUID((await ingest.upload(b"hello")).json()["document_id"])
    await projector.apply(records(completed(found, 1)))
    await put_result(ingest, found, 1, "first")
    return found


@pytest.fixture
async def removed(ingest: RunningIngest, database: Database, document_id: UUID) -> UUID:
    """The same document, past its term."""
    await sweep(ingest, database, days=LATER, defaults=WEEK)
    return document_id


async def text(ingest: RunningIngest, document_id: UUID) -> tuple[int, str]:
    """Return status and code or text of an answer."""
    answer = await ingest.client.get(f"{DOCUMENTS}/{document_id}/text")
    return answer.status_code, answer.text if answer.is_success else answer.json()["code"]


async def shown(ingest: RunningIngest, document_id: UUID) -> dict[str, object]:
    answer: dict[str, object] = (await ingest.client.get(f"{DOCUMENTS}/{document_id}")).json()
    return answer


def failed(document_id: UUID, generation: int, *, fence: int = 1) -> DocumentFailed:
    position = sequence.position(
        generation=generation, stage=Stage.EXTRACT, fence=fence, tick=sequence.LAST_TICK
    )
    return DocumentFailed(
        document_id=document_id, owner="ann", generation=generation, seq=position,
        stage=Stage.EXTRACT, reason=FailureReason.TIMEOUT, message="Too slow", attempt=3,
        failed_at=datetime.now(UTC),
    )  # fmt: skip


async def test_what_was_made_goes_and_the_document_and_its_bytes_stay(
    ingest: RunningIngest, removed: UUID
) -> None:
    for part in ("text", "pages", "pages/1", "thumbnail", "entities", "relations", "chunks"):
        answer = await ingest.client.get(f"{DOCUMENTS}/{removed}/{part}")
        assert (answer.status_code, answer.json()["code"]) == (404, "NOT_AVAILABLE"), part

    assert (await ingest.client.get(f"{DOCUMENTS}/{removed}/original")).content == b"hello"
    assert (await ingest.client.get(f"{DOCUMENTS}/{removed}/metadata")).status_code == 200
    document = await shown(ingest, removed)
    assert (document["state"], document["result_generation"]) == ("completed", None)


async def test_the_processor_is_asked_once_and_the_audit_tells(
    ingest: RunningIngest, database: Database, removed: UUID
) -> None:
    await sweep(ingest, database, days=LATER + 1, defaults=WEEK)

    commands = [event for _, event in await ingest.outbox() if isinstance(event, RemovalRequested)]
    assert [(one.document_id, one.below_generation) for one in commands] == [(removed, 2)]
    (line,) = (await ingest.client.get("/api/v1/erasures")).json()["items"]
    assert (line["actor"], line["what"], line["document_id"], line["detail"]) == (
        "retention", "artifacts", str(removed), {"generation": 1},
    )  # fmt: skip


async def test_an_owners_own_term_goes_before_the_default(
    ingest: RunningIngest, database: Database, document_id: UUID
) -> None:
    assert await set_terms(ingest, "ann", originals_days=36_500) == 200
    await sweep(ingest, database, days=LATER, defaults=WEEK)
    kept = await text(ingest, document_id)

    assert await set_terms(ingest, "ann", artifacts_days=30) == 200
    await sweep(ingest, database, days=LATER)

    assert kept == (200, "first")
    assert await text(ingest, document_id) == (404, "NOT_AVAILABLE")
    assert (await ingest.client.get("/api/v1/retention")).json()["artifacts_days"] == 30
    audit = (await ingest.client.get("/api/v1/erasures")).json()["items"]
    assert audit[1]["detail"]["artifacts_days"] == 30


async def test_reprocessing_makes_them_again_and_their_term_begins_anew(
    ingest: RunningIngest, database: Database, projector: Projector, removed: UUID
) -> None:
    begun = await reprocess(ingest, removed)
    meanwhile = await text(ingest, removed)
    await put_result(ingest, removed, 2, "second")
    await projector.apply(records(completed(removed, 2)))
    again = await text(ingest, removed)
    await sweep(ingest, database, days=LATER, defaults=WEEK)

    assert (begun.status_code, meanwhile) == (202, (409, "NOT_READY"))
    assert again == (200, "second")
    assert await text(ingest, removed) == (404, "NOT_AVAILABLE")
    _, command = (await ingest.outbox())[-1]
    assert isinstance(command, RemovalRequested)
    assert command.below_generation == 3


async def test_a_cancelled_reprocessing_leaves_no_result(
    ingest: RunningIngest, projector: Projector, removed: UUID
) -> None:
    await reprocess(ingest, removed)

    await ingest.client.post(f"{DOCUMENTS}/{removed}/cancel")
    _, command = (await ingest.outbox())[-1]
    await projector.apply(records(cancelled(removed, 2)))

    assert isinstance(command, CancelRequested)
    assert (command.generation, command.result_generation) == (2, None)
    assert await text(ingest, removed) == (404, "NOT_AVAILABLE")
    later = await reprocess(ingest, removed, from_stage="analyze")
    assert (later.status_code, later.json()["code"]) == (409, "STAGE_NOT_REACHED")


@pytest.mark.parametrize("stage", ["analyze", "index"])
async def test_a_later_stage_has_nothing_to_begin_with(
    ingest: RunningIngest, removed: UUID, stage: str
) -> None:
    answer = await reprocess(ingest, removed, from_stage=stage)

    assert (answer.status_code, answer.json()["code"]) == (409, "STAGE_NOT_REACHED")


async def test_without_bytes_and_artifacts_nothing_can_be_processed(
    ingest: RunningIngest, database: Database, document_id: UUID
) -> None:
    both = RetentionSettings(originals_days=7, artifacts_days=7)
    await sweep(ingest, database, days=LATER, defaults=both)

    for stage in ("validate", "index"):
        answer = await reprocess(ingest, document_id, from_stage=stage)
        assert (answer.status_code, answer.json()["code"]) == (409, "ORIGINAL_REMOVED"), stage


async def test_a_failed_document_that_is_replayed_is_read_again(
    ingest: RunningIngest, database: Database, projector: Projector
) -> None:
    document_id = UUID((await ingest.upload(b"hello")).json()["document_id"])
    await projector.apply(records(failed(document_id, 1)))
    await sweep(ingest, database, days=8, defaults=WEEK)
    gone = await text(ingest, document_id)

    started = StageStarted(
        document_id=document_id, owner="ann", generation=1, stage=Stage.EXTRACT, attempt=1,
        seq=sequence.position(generation=1, stage=Stage.EXTRACT, fence=2, tick=0),
        at=datetime.now(UTC),
    )  # fmt: skip
    await projector.apply(records(started, completed(document_id, 1)))
    await put_result(ingest, document_id, 1, "replayed")

    assert gone == (404, "NOT_AVAILABLE")
    assert await text(ingest, document_id) == (200, "replayed")


async def test_who_sends_the_same_again_does_not_get_a_document_without_text(
    ingest: RunningIngest, database: Database, document_id: UUID
) -> None:
    sha256 = hashlib.sha256(b"hello").hexdigest()
    before = await initiate(ingest, b"hello", sha256=sha256)

    await sweep(ingest, database, days=LATER, defaults=WEEK)
    after = await initiate(ingest, b"hello", sha256=sha256)

    assert (before.status_code, before.json()["document_id"]) == (200, str(document_id))
    assert after.status_code == 201


async def test_a_search_finds_it_no_more_while_the_index_still_has_it(
    ingest: RunningIngest, database: Database, search_database: Database, document_id: UUID
) -> None:
    index = PostgresSearchIndex(search_database, embedding_model=embedding_model().name)
    named = IndexedDocument(document_id, "ann", 1, "a.txt", "text/plain", "en")
    await index.replace(named, [Chunk(0, "the rent", 1, 1, None, [0.0] * EMBEDDING_SIZE)])

    async def found() -> int:
        answer = await ingest.client.get("/api/v1/search", params={"q": "rent", "mode": "text"})
        return len(answer.json()["items"])

    before = await found()
    await sweep(ingest, database, days=LATER, defaults=WEEK)

    assert (before, await found()) == (1, 0)
