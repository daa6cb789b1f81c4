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
from docyard_common.artifacts import ExtractManifest
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

    async def run(self, *, attempt: int = 1) -> tuple[ExtractManifest, str]:
        await self._objects.put("original", self._data)
        lease = Lease(
            key=KEY, lane=Priority.NORMAL, owner="ada", bulky=False, fence=attempt,
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
