"""What other services ask of ingest: a cancel reaches what was found inside the document."""

from uuid import UUID

import pytest
from tests.integration.ingest.serving import RunningIngest
from tests.integration.ingest.test_children import NOW, Finding
from tests.integration.ingest.test_projector import records

from docyard_common.clock import SystemClock
from docyard_common.database import Database
from docyard_common.events import codec, sequence, topics
from docyard_common.events.documents import DocumentCancelled, DocumentCompleted
from docyard_common.events.work import CancelRequested
from docyard_common.ids import uuid7
from docyard_common.kafka.received import ReceivedRecord
from docyard_common.outbox import Outbox
from ingest.commands import Commands
from ingest.documents.artifact_reader import ArtifactReader
from ingest.documents.lifecycle import Lifecycle
from ingest.documents.reprocessing import Reprocessing
from ingest.projector import Projector

pytestmark = pytest.mark.integration


@pytest.fixture
def commands(ingest: RunningIngest, database: Database) -> Commands:
    outbox, clock = Outbox(source="ingest"), SystemClock()
    reprocessing = Reprocessing(
        database=database, outbox=outbox, reader=ArtifactReader(ingest.store), clock=clock
    )
    lifecycle = Lifecycle(database=database, store=ingest.store, outbox=outbox, clock=clock)
    return Commands(reprocessing, lifecycle)


@pytest.fixture
async def container(ingest: RunningIngest, database: Database) -> Finding:
    """A document in work, inside which one file was found."""
    answer = await ingest.upload()
    found = Finding(ingest, database, UUID(answer.json()["document_id"]))
    await found.store(b"one")
    await found.tell()
    return found


async def test_a_cancel_reaches_what_was_found_inside_and_what_would_be(
    commands: Commands, container: Finding
) -> None:
    await commands.apply([cancel(container.document_id)])
    await container.store(b"one", b"two")
    await container.tell()

    assert await asked(container) == [(container.child(1), "bob")]
    second = await container.ingest.client.get(f"/api/v1/documents/{container.child(2)}")
    assert second.status_code == 404


async def test_a_cancel_that_is_carried_out_already_still_takes_no_more(
    commands: Commands, container: Finding, projector: Projector
) -> None:
    about = {"document_id": container.document_id, "owner": "ann", "generation": 1}
    ended = DocumentCancelled(**about, seq=sequence.terminal(1), cancelled_at=NOW)
    await projector.apply(records(ended))

    await commands.apply([cancel(container.document_id)])
    await container.store(b"one", b"two")
    await container.tell()

    second = await container.ingest.client.get(f"/api/v1/documents/{container.child(2)}")
    assert second.status_code == 404


async def test_what_ingest_has_asked_itself_is_not_asked_again(
    commands: Commands, container: Finding
) -> None:
    await commands.apply([cancel(container.document_id, source="ingest")])

    assert await asked(container) == []


async def test_a_cancel_of_an_earlier_generation_leaves_the_newest_alone(
    commands: Commands, container: Finding, projector: Projector
) -> None:
    about = {"document_id": container.document_id, "owner": "ann", "generation": 1}
    ended = DocumentCompleted(**about, seq=sequence.terminal(1), completed_at=NOW)
    await projector.apply(records(ended))
    url = f"/api/v1/documents/{container.document_id}/reprocess"
    assert (await container.ingest.client.post(url, json={})).status_code == 202

    await commands.apply([cancel(container.document_id)])

    assert await asked(container) == []


async def test_a_cancel_of_an_unknown_document_holds_nobody_up(
    commands: Commands, container: Finding
) -> None:
    foreign = cancel(container.document_id, owner="eve")

    await commands.apply([cancel(uuid7()), foreign, cancel(container.document_id)])

    assert await asked(container) == [(container.child(1), "bob")]


async def asked(container: Finding) -> list[tuple[UUID, str]]:
    """Whose work is to end, and by whose wish."""
    told = [event for _, event in await container.ingest.outbox()]
    return [(e.document_id, e.requested_by) for e in told if isinstance(e, CancelRequested)]


def cancel(document_id: UUID, *, owner: str = "ann", source: str = "notifier") -> ReceivedRecord:
    command = CancelRequested(
        document_id=document_id, owner=owner, requested_by="bob", requested_at=NOW
    )
    record = codec.encode(command, topic=topics.COMMANDS, source=source)
    return ReceivedRecord(record.topic, 0, 0, 0, record.key, record.value, tuple(record.headers))
