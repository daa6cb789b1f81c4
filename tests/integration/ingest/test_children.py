"""Files found inside a document become documents once, whatever comes twice or too late."""

import hashlib
from datetime import UTC, datetime
from uuid import UUID

import pytest
from tests.integration.ingest.serving import RunningIngest

from docyard_common import artifacts
from docyard_common.artifacts import Member, MemberList, original_key
from docyard_common.clock import SystemClock
from docyard_common.database import Database
from docyard_common.events import codec, sequence, topics
from docyard_common.events.documents import ChildrenAccepted, DocumentAccepted, DocumentDeleted
from docyard_common.events.stages import Priority, Stage
from docyard_common.events.work import CancelRequested, ChildrenFound, StageRequested
from docyard_common.ids import child_id
from docyard_common.kafka.received import ReceivedRecord
from docyard_common.outbox import Outbox
from ingest.children import Children
from ingest.limits.admission import Admission
from ingest.limits.source import LimitSource
from ingest.uploads.acceptance import Acceptor

pytestmark = pytest.mark.integration
NOW = datetime(2030, 1, 1, tzinfo=UTC)


class Finding:
    """The processor's side: a container whose files lie in the store, and are told of."""

    def __init__(self, ingest: RunningIngest, database: Database, document_id: UUID) -> None:
        self.ingest = ingest
        self.document_id = document_id
        clock, outbox = SystemClock(), Outbox(source="ingest")
        admission = Admission(
            source=LimitSource(database=database, settings=ingest.settings.limits),
            database=database,
            clock=clock,
        )
        self._children = Children(
            database=database,
            store=ingest.store,
            acceptor=Acceptor(database=database, outbox=outbox, admission=admission),
            admission=admission,
            outbox=outbox,
            clock=clock,
        )

    async def store(self, *files: bytes, generation: int = 1, filename: str = "") -> None:
        members = []
        for position, data in enumerate(files, start=1):
            key = artifacts.member_key(self.document_id, generation, position)
            await self.ingest.store.put(key, data)
            members.append(_member(position, data, key, filename))
        listed = artifacts.dump(MemberList(members=tuple(members)))
        await self.ingest.store.put(self.members_key(generation), listed)

    async def tell(self, *, generation: int = 1) -> None:
        event = ChildrenFound(
            document_id=self.document_id,
            owner="ann",
            generation=generation,
            seq=sequence.position(generation=generation, stage=Stage.EXTRACT, fence=1, tick=0),
            members_key=self.members_key(generation),
            priority=Priority.HIGH,
            options={"ocr": False},
            depth=1,
            found_at=NOW,
        )
        record = codec.encode(event, topic=topics.CHILDREN, source="test")
        await self._children.apply(
            [ReceivedRecord(record.topic, 0, 0, 0, record.key, record.value, tuple(record.headers))]
        )

    def members_key(self, generation: int) -> str:
        return artifacts.members_key(self.document_id, generation)

    def child(self, position: int) -> UUID:
        return child_id(self.document_id, position)


def _member(position: int, data: bytes, key: str, filename: str) -> Member:
    return Member(
        position=position,
        path=f"folder/{position}.txt",
        filename=filename or f"{position}.txt",
        media_type="text/plain",
        size_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        key=key,
        members_left=7,
        bytes_left=1_000,
    )


@pytest.fixture
async def finding(ingest: RunningIngest, database: Database) -> Finding:
    answer = await ingest.upload()
    return Finding(ingest, database, UUID(answer.json()["document_id"]))


async def events(ingest: RunningIngest, kind: type) -> list[object]:
    return [event for _, event in await ingest.outbox() if type(event) is kind]


async def test_children_are_documents_of_the_same_owner(finding: Finding) -> None:
    await finding.store(b"one", b"two")

    await finding.tell()

    ingest, client = finding.ingest, finding.ingest.client
    child = (await client.get(f"/api/v1/documents/{finding.child(1)}")).json()
    assert (child["filename"], child["parent_id"]) == ("1.txt", str(finding.document_id))
    assert child["metadata"] == {"path": "folder/1.txt"}
    assert await ingest.store.get(original_key(finding.child(2))) == b"two"
    requested = [e for e in await events(ingest, StageRequested) if isinstance(e, StageRequested)]
    lineages = [e.lineage for e in requested if e.lineage]
    assert [(one.depth, one.members_left, one.bytes_left) for one in lineages] == [
        (1, 7, 1_000)
    ] * 2
    assert {e.priority for e in requested if e.lineage} == {Priority.HIGH}


async def test_they_are_listed_below_their_parent(finding: Finding) -> None:
    await finding.store(b"one", b"two")
    await finding.tell()
    client, parent = finding.ingest.client, finding.document_id

    below = (await client.get(f"/api/v1/documents/{parent}/children")).json()
    narrowed = (await client.get(f"/api/v1/documents?parent_id={parent}")).json()
    top = (await client.get("/api/v1/documents?top_level=true")).json()
    foreign = await client.get(
        f"/api/v1/documents/{parent}/children", headers=finding.ingest.as_owner("bob")
    )

    ids = {str(finding.child(1)), str(finding.child(2))}
    assert {item["document_id"] for item in below["items"]} == ids
    assert {item["document_id"] for item in narrowed["items"]} == ids
    assert [item["children_count"] for item in top["items"]] == [2]
    assert foreign.status_code == 404


@pytest.mark.parametrize("filename", ["...", "\u200b", " "])
async def test_a_file_without_a_usable_name_is_a_document_all_the_same(
    finding: Finding, filename: str
) -> None:
    await finding.store(b"one", filename=filename)

    await finding.tell()

    child = await finding.ingest.client.get(f"/api/v1/documents/{finding.child(1)}")
    assert child.json()["filename"] == "member-1"
    assert len(await events(finding.ingest, ChildrenAccepted)) == 1


async def test_a_redelivery_makes_no_twins(finding: Finding) -> None:
    await finding.store(b"one", b"two")
    await finding.tell()

    await finding.tell()
    await finding.store(b"one", b"two", generation=2)
    await finding.tell(generation=2)

    assert len(await events(finding.ingest, DocumentAccepted)) == 3
    assert len(await finding.ingest.rows("select 1 from documents")) == 3


async def test_what_a_kill_left_undone_is_done_by_the_redelivery(finding: Finding) -> None:
    """The worker died between the copy of one file, the commit of another, and the third."""
    await finding.store(b"one", b"two", b"three")
    await finding.tell()
    await finding.ingest.rows(
        f"delete from documents where document_id = '{finding.child(3)}' returning 1"
    )
    await finding.ingest.store.delete(original_key(finding.child(3)))
    await finding.store(b"one", b"two", b"three")

    await finding.tell()

    assert await finding.ingest.store.get(original_key(finding.child(3))) == b"three"
    assert len(await finding.ingest.rows("select 1 from documents")) == 4


async def test_the_parents_history_says_what_became_of_the_files(finding: Finding) -> None:
    limit = finding.ingest.settings.limits.max_file_bytes
    await finding.store(b"one", b"x" * (limit + 1))

    await finding.tell()
    await finding.tell()

    [told] = list(await events(finding.ingest, ChildrenAccepted))
    assert isinstance(told, ChildrenAccepted)
    assert (told.children, told.refused_count) == (1, 1)
    assert (told.refused[0].path, told.refused[0].code) == ("folder/2.txt", "FILE_TOO_LARGE")
    assert original_key(finding.child(2)) not in await finding.ingest.keys()


async def test_deleting_the_parent_deletes_all_below(finding: Finding) -> None:
    await finding.store(b"one", b"two")
    await finding.tell()
    client = finding.ingest.client

    answer = await client.delete(f"/api/v1/documents/{finding.document_id}")

    assert answer.status_code == 204
    child = await client.get(f"/api/v1/documents/{finding.child(1)}")
    assert child.status_code == 404
    told = list(await events(finding.ingest, DocumentDeleted))
    assert {e.document_id for e in told if isinstance(e, DocumentDeleted)} == {
        finding.document_id,
        finding.child(1),
        finding.child(2),
    }


async def test_a_deleted_parent_takes_no_children(finding: Finding) -> None:
    await finding.store(b"one")
    await finding.ingest.client.delete(f"/api/v1/documents/{finding.document_id}")

    await finding.store(b"one")
    await finding.tell()

    assert await finding.ingest.rows("select 1 from documents") == []
    assert original_key(finding.child(1)) not in await finding.ingest.keys()


async def test_a_deleted_child_does_not_come_back(finding: Finding) -> None:
    await finding.store(b"one", b"two")
    await finding.tell()
    await finding.ingest.client.delete(f"/api/v1/documents/{finding.child(1)}")

    await finding.store(b"one", b"two")
    await finding.tell()

    answer = await finding.ingest.client.get(f"/api/v1/documents/{finding.child(1)}")
    assert answer.status_code == 404


async def test_cancelling_the_parent_cancels_its_children_and_takes_no_more(
    finding: Finding,
) -> None:
    await finding.store(b"one")
    await finding.tell()

    answer = await finding.ingest.client.post(f"/api/v1/documents/{finding.document_id}/cancel")
    await finding.store(b"one", b"two", generation=1)
    await finding.tell()

    assert answer.status_code == 202
    asked = list(await events(finding.ingest, CancelRequested))
    assert {e.document_id for e in asked if isinstance(e, CancelRequested)} == {
        finding.document_id,
        finding.child(1),
    }
    assert (
        await finding.ingest.client.get(f"/api/v1/documents/{finding.child(2)}")
    ).status_code == 404
