"""A container that has ended may have children still to come: a cancel is for them, too."""

from uuid import UUID

import pytest
from tests.integration.ingest.serving import RunningIngest
from tests.integration.ingest.test_children import NOW, Finding
from tests.integration.ingest.test_projector import records

from docyard_common.clock import SystemClock
from docyard_common.database import Database
from docyard_common.events import sequence
from docyard_common.events.documents import DocumentCompleted, StageFinished
from docyard_common.events.stages import Stage
from docyard_common.events.work import CancelRequested
from docyard_common.outbox import Outbox
from ingest.projector import Projector

pytestmark = pytest.mark.integration
DOCUMENTS = "/api/v1/documents"


@pytest.fixture
async def archive(ingest: RunningIngest, database: Database) -> Finding:
    """A container that is completed before any of its files has become a document."""
    answer = await ingest.upload()
    found = Finding(ingest, database, UUID(answer.json()["document_id"]))
    await completed(database, found.document_id, children=2)
    await found.store(b"one", b"two")
    return found


async def completed(database: Database, document_id: UUID, *, children: int) -> None:
    projector = Projector(database=database, outbox=Outbox(source="test"), clock=SystemClock())
    about = {"document_id": document_id, "owner": "ann", "generation": 1}
    end = sequence.position(generation=1, stage=Stage.EXTRACT, fence=1, tick=sequence.LAST_TICK)
    extracted = StageFinished(
        **about,
        seq=end,
        stage=Stage.EXTRACT,
        attempt=1,
        at=NOW,
        duration_s=1.0,
        results={"children": children} if children else {},
    )
    ended = DocumentCompleted(**about, seq=sequence.terminal(1), completed_at=NOW)
    await projector.apply(records(extracted, ended))


async def cancel(ingest: RunningIngest, document_id: UUID) -> int:
    return (await ingest.client.post(f"{DOCUMENTS}/{document_id}/cancel")).status_code


async def has(ingest: RunningIngest, document_id: UUID) -> bool:
    return (await ingest.client.get(f"{DOCUMENTS}/{document_id}")).status_code == 200


async def test_a_completed_container_takes_none_of_the_children_still_to_come(
    ingest: RunningIngest, archive: Finding
) -> None:
    answer = await cancel(ingest, archive.document_id)
    await archive.tell()

    assert answer == 202
    assert not await has(ingest, archive.child(1))
    # The container itself has ended: nobody is asked to end it once more.
    assert not [e for _, e in await ingest.outbox() if isinstance(e, CancelRequested)]


async def test_it_has_ended_for_good_once_its_children_have_come_and_ended(
    ingest: RunningIngest, archive: Finding, database: Database
) -> None:
    await archive.tell()
    first = await cancel(ingest, archive.document_id)
    for position in (1, 2):
        await completed(database, archive.child(position), children=0)

    assert first == 202
    assert await cancel(ingest, archive.document_id) == 409


async def test_what_ended_without_anything_inside_answers_409_and_forgets_nothing(
    ingest: RunningIngest, database: Database
) -> None:
    document_id = UUID((await ingest.upload()).json()["document_id"])
    await completed(database, document_id, children=0)

    assert await cancel(ingest, document_id) == 409
    # A replay may still find something inside it.
    found = Finding(ingest, database, document_id)
    await found.store(b"one")
    await found.tell()
    assert await has(ingest, found.child(1))


async def test_a_cancel_reaches_the_children_to_come_of_a_container_inside(
    ingest: RunningIngest, archive: Finding, database: Database
) -> None:
    await archive.tell()
    for position, children in ((1, 1), (2, 0)):
        await completed(database, archive.child(position), children=children)
    inner = Finding(ingest, database, archive.child(1))
    await inner.store(b"three")

    answer = await cancel(ingest, archive.document_id)
    await inner.tell()

    assert answer == 202
    assert not await has(ingest, inner.child(1))
