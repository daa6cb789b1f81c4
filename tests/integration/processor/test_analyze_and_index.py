"""From stored pages to the index and the entity graph, by real children and a real database."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from tests.integration.processor.test_reading_elsewhere import RECORD, NoTicks

from docyard_common import artifacts
from docyard_common.analysis import entity_id
from docyard_common.artifacts import ExtractManifest, Page, PageBatch
from docyard_common.database import Database
from docyard_common.events.stages import Priority, Stage
from docyard_common.events.work import StageRequested
from docyard_common.ids import uuid7
from docyard_common.search import PostgresEntityGraph, PostgresSearchIndex
from docyard_common.search.graph import Scope
from docyard_common.storage import InMemoryObjectStore
from docyard_common.work.model import Lease, WorkKey
from processor.courtesy import Courtesy
from processor.handlers.analyze import Analyze
from processor.handlers.desk import Desk
from processor.handlers.index import Index
from processor.load import Load
from processor.progress import ProgressReporter
from processor.sandbox.limits import SandboxLimits
from processor.sandbox.nursery import Nursery
from processor.sandboxes import Sandboxes

pytestmark = pytest.mark.integration
NOW = datetime(2026, 3, 14, tzinfo=UTC)
TEXT = "Minutes\n\nDr. Ada Lovelace met Prof. Charles Babbage in London.\n"


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with AsyncExitStack() as stack:
        nursery = Nursery()
        await nursery.start()
        stack.push_async_callback(nursery.close)
        sandboxes = Sandboxes(SandboxLimits(), nursery=nursery)
        stack.push_async_callback(sandboxes.close)
        ticks = cast("Any", NoTicks())
        yield Desk(
            objects=InMemoryObjectStore(),
            borrow=sandboxes.borrow,
            tell=lambda lease: ProgressReporter(lease, ticks),
            lend_folder=nursery.lend_folder,
            courtesy=Courtesy(Load(throttle=0.8)),
        )


async def test_what_a_page_names_is_in_the_graph_with_its_place(
    desk: Desk, database: Database
) -> None:
    index = PostgresSearchIndex(database, embedding_model="any")
    key = WorkKey(uuid7(), 1, Stage.ANALYZE)
    batch = artifacts.pages_key(key.document_id, 1, first=1, last=1)
    await desk.objects.put(batch, artifacts.dump_pages([Page(number=1, text=TEXT)]))
    manifest = ExtractManifest(
        media_type="text/plain", page_count=1, characters=len(TEXT), extractor="text",
        batches=(PageBatch(first=1, last=1, key=batch),),
    )  # fmt: skip
    name = artifacts.manifest_key(key.document_id, 1, "extract")
    await desk.objects.put(name, artifacts.dump(manifest))

    def work(stage: Stage, **known: Any) -> tuple[Lease, StageRequested]:
        lease = Lease(
            key=WorkKey(key.document_id, 1, stage), lane=Priority.NORMAL, owner="ada", bulky=False,
            fence=1, attempt=1, deliveries=1, started_at=NOW, waited_s=0.0, first_failed_at=None,
            record=RECORD, worker="w",
        )  # fmt: skip
        request = StageRequested(
            document_id=key.document_id, owner="ada", generation=1, seq=1, stage=stage,
            priority=Priority.NORMAL, filename="a.txt", content_type="text/plain",
            size_bytes=len(TEXT), sha256="0" * 64, object_key="original", accepted_at=NOW, **known,
        )  # fmt: skip
        return lease, request

    analyzed = await Analyze(desk)(*work(Stage.ANALYZE))
    told = {"language": analyzed.language, "document_type": analyzed.document_type}
    index_stage = Index(desk, index=index)
    indexed = await index_stage(*work(Stage.INDEX, **told))

    graph, scope = PostgresEntityGraph(database), Scope("ada")
    ada = entity_id("ada", "person", "ada lovelace")
    (place,) = await graph.mentions(scope, ada, after=None, limit=5)
    neighbours = await graph.neighbours(scope, ada, kinds=("person",), after=None, limit=5)
    (chunk,) = await index.chunks(key.document_id, owner="ada", first=0, limit=5) or []
    assert analyzed.document_type == "minutes"
    assert analyzed.as_promised
    assert (indexed.results["entities"], indexed.results["relations"]) == (3, 3)
    assert (place.page, TEXT[place.start : place.end]) == (1, "Ada Lovelace")
    assert [each.entity.text for each in neighbours] == ["Charles Babbage"]
    assert TEXT[chunk.start : chunk.end].startswith("Minutes")
