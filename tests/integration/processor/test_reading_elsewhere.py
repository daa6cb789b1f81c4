"""Extract with a remote extractor: its page is read in a child, and the first failure goes home."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import pytest
import pytest_asyncio
from tests.integration.processor.reader import Reader
from tests.unit.extraction.pdfs import make_pdf

from docyard_common import artifacts
from docyard_common.artifacts import ExtractManifest, Page
from docyard_common.errors import RetryableError
from docyard_common.events.stages import Priority, Stage
from docyard_common.events.work import StageRequested
from docyard_common.kafka.received import ReceivedRecord
from docyard_common.media_types import MediaType
from docyard_common.storage import InMemoryObjectStore
from docyard_common.work.model import Lease, WorkKey
from processor.courtesy import Courtesy
from processor.handlers.desk import Desk
from processor.handlers.extract import Extract
from processor.handlers.remote import RemoteExtractor
from processor.load import Load
from processor.progress import ProgressReporter
from processor.sandbox.limits import SandboxLimits
from processor.sandbox.nursery import Nursery
from processor.sandboxes import Sandboxes
from processor.settings import RemoteSettings

NOW = datetime(2026, 3, 14, tzinfo=UTC)
KEY = WorkKey(uuid4(), 1, Stage.EXTRACT)
RECORD = ReceivedRecord("work.extract.normal", 0, 0, 0, None, None, ())


class NoTicks:
    """Takes ticks and tells nobody."""

    async def publish(self, *_arguments: Any) -> None: ...


class Bench:
    """An extract handler with a store and a child of its own."""

    def __init__(self, extract: Extract, objects: InMemoryObjectStore, folder: Path) -> None:
        self._extract = extract
        self._objects = objects
        self._data = make_pdf(folder / "a.pdf").read_bytes()

    async def lose_manifest(self) -> None:
        """Be a run that died when all of its pages were stored."""
        await self._objects.delete(artifacts.manifest_key(KEY.document_id, 1, "extract"))

    async def lose_pages(self, *, but: int) -> None:
        """Be a run that died when the first pages were stored, as many as *but*."""
        await self.lose_manifest()
        pages = list[Page]()
        for key in await self.batches():
            pages += artifacts.load_pages(await self._objects.get(key))
            await self._objects.delete(key)
        name = artifacts.pages_key(KEY.document_id, 1, first=1, last=but)
        await self._objects.put(name, artifacts.dump_pages(pages[:but]))

    async def batches(self) -> list[str]:
        prefix = artifacts.pages_prefix(KEY.document_id, 1)
        return [stat.key async for stat in self._objects.list(prefix)]

    async def run(
        self, *, attempt: int = 1, fence: int | None = None
    ) -> tuple[ExtractManifest, str]:
        await self._objects.put("original", self._data)
        lease = Lease(
            key=KEY, lane=Priority.NORMAL, owner="ada", bulky=False, fence=fence or attempt,
            attempt=attempt, deliveries=1, started_at=NOW, waited_s=0.0, first_failed_at=None,
            record=RECORD, worker="w",
        )  # fmt: skip
        await self._extract(lease, self._request())
        data = await self._objects.get(artifacts.manifest_key(KEY.document_id, 1, "extract"))
        manifest = artifacts.load(ExtractManifest, data)
        batches = [await self._objects.get(batch.key) for batch in manifest.batches]
        pages = [page for batch in batches for page in artifacts.load_pages(batch)]
        return manifest, "\n".join(page.text for page in pages)

    def _request(self) -> StageRequested:
        return StageRequested(
            document_id=KEY.document_id, owner="ada", generation=1, seq=1, stage=Stage.EXTRACT,
            priority=Priority.NORMAL, filename="a.pdf", content_type=MediaType.PDF,
            size_bytes=len(self._data), sha256=hashlib.sha256(self._data).hexdigest(),
            object_key="original", accepted_at=NOW,
        )  # fmt: skip


@pytest_asyncio.fixture
async def bench(reader: Reader, tmp_path: Path) -> AsyncIterator[Bench]:
    async with AsyncExitStack() as stack:
        nursery = Nursery()
        await nursery.start()
        stack.push_async_callback(nursery.close)
        sandboxes = Sandboxes(SandboxLimits(), nursery=nursery)
        stack.push_async_callback(sandboxes.close)
        remote = RemoteExtractor(RemoteSettings(url=reader.url, types=(MediaType.PDF,)))
        stack.push_async_callback(remote.close)
        objects = InMemoryObjectStore()
        ticks = cast("Any", NoTicks())
        desk = Desk(
            objects=objects,
            borrow=sandboxes.borrow,
            tell=lambda lease: ProgressReporter(lease, ticks),
            lend_folder=nursery.lend_folder,
            courtesy=Courtesy(Load(throttle=0.8)),
        )
        yield Bench(Extract(desk, remote=remote), objects, tmp_path)


async def test_the_page_of_the_server_is_read_and_the_document_keeps_its_type(
    bench: Bench,
) -> None:
    manifest, text = await bench.run()

    assert text == "Read elsewhere"
    assert (manifest.extractor, manifest.media_type) == ("tika", MediaType.PDF)


async def test_a_server_in_trouble_is_done_without_at_the_next_attempt(
    bench: Bench, reader: Reader
) -> None:
    reader.status = 500
    with pytest.raises(RetryableError):
        await bench.run()

    manifest, text = await bench.run(attempt=2)

    assert manifest.extractor == "pypdfium2"
    assert "page 3" in text


async def test_what_the_server_refuses_is_read_at_home_at_once(
    bench: Bench, reader: Reader
) -> None:
    reader.status = 422

    manifest, _ = await bench.run()

    assert manifest.extractor == "pypdfium2"


async def test_what_was_begun_at_home_is_ended_at_home(bench: Bench, reader: Reader) -> None:
    reader.status = 500
    with pytest.raises(RetryableError):
        await bench.run()
    await bench.run(attempt=2)
    await bench.lose_pages(but=2)
    reader.status, reader.asked = 200, []

    manifest, text = await bench.run(attempt=3)

    assert reader.asked == []
    assert (manifest.extractor, manifest.page_count) == ("pypdfium2", 3)
    assert "page 1" in text
    assert "page 3" in text
    assert [batch.first for batch in manifest.batches] == [1, 3]


async def test_what_the_server_refused_at_first_is_ended_at_home(
    bench: Bench, reader: Reader
) -> None:
    reader.status = 422
    await bench.run()
    await bench.lose_pages(but=2)
    reader.status, reader.asked = 200, []

    manifest, text = await bench.run(fence=2)

    assert reader.asked == []
    assert (manifest.extractor, manifest.page_count) == ("pypdfium2", 3)
    assert "Read elsewhere" not in text


async def test_pages_of_the_server_are_given_up_where_the_document_is_read_at_home(
    bench: Bench,
) -> None:
    await bench.run()
    await bench.lose_manifest()

    manifest, text = await bench.run(attempt=2)

    assert (manifest.extractor, manifest.page_count) == ("pypdfium2", 3)
    assert "Read elsewhere" not in text
    assert "page 1" in text
    assert await bench.batches() == [batch.key for batch in manifest.batches]


async def test_a_worker_that_died_leaves_its_successor_the_pages_of_the_server(
    bench: Bench, reader: Reader
) -> None:
    await bench.run()
    before = await bench.batches()
    await bench.lose_manifest()

    manifest, text = await bench.run(fence=2)

    assert len(reader.asked) == 2
    assert (manifest.extractor, text) == ("tika", "Read elsewhere")
    assert await bench.batches() == before


async def test_a_server_that_refuses_what_it_has_begun_leaves_nothing_behind(
    bench: Bench, reader: Reader
) -> None:
    await bench.run()
    await bench.lose_manifest()
    reader.status = 422

    manifest, text = await bench.run(fence=2)

    assert (manifest.extractor, manifest.page_count) == ("pypdfium2", 3)
    assert "Read elsewhere" not in text
    assert await bench.batches() == [batch.key for batch in manifest.batches]
