"""What a generation takes over, and what goes when a newer one is visible."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from docyard_common import artifacts
from docyard_common.analysis import Analysis
from docyard_common.artifacts import ExtractManifest, Page, PageBatch
from docyard_common.database import Database
from docyard_common.errors import ObjectMissingError
from docyard_common.events import codec, topics
from docyard_common.events.stages import Stage
from docyard_common.events.work import RemovalRequested
from docyard_common.ids import uuid7
from docyard_common.kafka.received import ReceivedRecord
from docyard_common.outbox import Outbox
from docyard_common.search import EMBEDDING_SIZE, Chunk, IndexedDocument
from docyard_common.search.memory import InMemorySearchIndex
from docyard_common.storage import MinioObjectStore
from docyard_common.work.model import WorkKey
from processor.commands import Commands
from processor.eraser import Eraser
from processor.handlers.inheritance import inherit
from processor.holds import Holds

pytestmark = pytest.mark.integration


async def put_extract(objects: MinioObjectStore, document_id: UUID, generation: int) -> None:
    key = artifacts.pages_key(document_id, generation, first=1, last=1)
    await objects.put(key, artifacts.dump_pages([Page(number=1, text="hello")]))
    thumbnail = artifacts.thumbnail_key(document_id, generation)
    await objects.put(thumbnail, b"RIFFwebp")
    manifest = ExtractManifest(
        media_type="text/plain", page_count=1, characters=5, extractor="text",
        batches=(PageBatch(first=1, last=1, key=key),), thumbnail_key=thumbnail,
    )  # fmt: skip
    name = artifacts.manifest_key(document_id, generation, "extract")
    await objects.put(name, artifacts.dump(manifest))


async def test_a_generation_that_begins_late_is_whole_by_itself(objects: MinioObjectStore) -> None:
    document_id = uuid7()
    await put_extract(objects, document_id, 1)
    name = artifacts.manifest_key(document_id, 1, "analyze")
    await objects.put(name, artifacts.dump(Analysis(language="en", language_confidence=1.0)))
    key = WorkKey(document_id, 2, Stage.INDEX)

    await inherit(objects, key, 1)
    await inherit(objects, key, 1)
    await objects.delete_prefix(artifacts.document_prefix(document_id) + "1/")

    data = await objects.get(artifacts.manifest_key(document_id, 2, "extract"))
    manifest = artifacts.load(ExtractManifest, data)
    pages = artifacts.load_pages(await objects.get(manifest.batches[0].key))
    assert pages[0].text == "hello"
    assert manifest.thumbnail_key == artifacts.thumbnail_key(document_id, 2)
    assert await objects.get(artifacts.manifest_key(document_id, 2, "analyze"))


async def test_what_was_never_reached_can_not_be_taken_over(objects: MinioObjectStore) -> None:
    with pytest.raises(ObjectMissingError):
        await inherit(objects, WorkKey(uuid7(), 2, Stage.ANALYZE), 1)


async def test_older_generations_go_once_a_newer_one_is_visible(
    database: Database, objects: MinioObjectStore
) -> None:
    document_id = uuid7()
    for generation in (1, 2, 3):
        await put_extract(objects, document_id, generation)
    await objects.put(artifacts.original_key(document_id), b"hello")
    commands = Commands(
        database=database, outbox=Outbox(source="test"), holds=Holds([], database=database)
    )
    await commands.apply([removal(document_id, below=3)])
    eraser = Eraser(database=database, objects=objects, index=InMemorySearchIndex())

    early = await eraser.erase_one()  # readers of the old result have a minute
    async with database.transaction() as tx:
        await tx.execute("update erasures set due_at = now()")
    assert await eraser.erase_one()

    assert not early
    prefix = artifacts.document_prefix(document_id)
    found = {stat.key.removeprefix(prefix).split("/")[0] async for stat in objects.list(prefix)}
    assert found == {"3"}
    assert await objects.get(artifacts.original_key(document_id)) == b"hello"


async def test_what_older_generations_have_put_into_the_index_goes_with_them(
    database: Database, objects: MinioObjectStore
) -> None:
    index = InMemorySearchIndex()
    ids = {generation: uuid7() for generation in (1, 2)}
    for generation, document_id in ids.items():
        named = IndexedDocument(document_id, "ann", generation, "a.txt", "text/plain", "en")
        await index.replace(named, [Chunk(0, "hello", 1, 1, None, [0.0] * EMBEDDING_SIZE)])
    commands = Commands(
        database=database, outbox=Outbox(source="test"), holds=Holds([], database=database)
    )
    await commands.apply([removal(document_id, below=2) for document_id in ids.values()])
    async with database.transaction() as tx:
        await tx.execute("update erasures set due_at = now()")
    eraser = Eraser(database=database, objects=objects, index=index)

    while await eraser.erase_one():
        pass

    left = {
        generation: await index.chunks(document_id, owner="ann", first=0, limit=1)
        for generation, document_id in ids.items()
    }
    assert left[1] is None
    assert left[2]


def removal(document_id: UUID, *, below: int) -> ReceivedRecord:
    command = RemovalRequested(
        document_id=document_id, below_generation=below, requested_at=datetime.now(UTC)
    )
    record = codec.encode(command, topic=topics.COMMANDS, source="ingest")
    return ReceivedRecord(topics.COMMANDS, 0, 0, 0, record.key, record.value, tuple(record.headers))
