"""Bytes appended to an upload in requests of any size."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from tests.integration.ingest.chunks import MIB, PART, text
from tests.integration.ingest.core import core_of
from tests.integration.ingest.serving import RunningIngest

from docyard_common.artifacts import original_key
from docyard_common.database import Database
from docyard_common.errors import PermanentError
from docyard_common.events.stages import Priority
from docyard_common.settings import ObjectStoreSettings
from docyard_common.storage import MinioObjectStore
from ingest.errors import (
    ChunkHashMismatchError,
    OffsetMismatchError,
    OverloadedError,
    PartTooLargeError,
    UploadAbandonedError,
    UploadBusyError,
    UploadEndedError,
)
from ingest.upload import Announcement, Upload, UploadMode
from ingest.uploads.appending import Appender
from ingest.uploads.checksums import Checksum
from ingest.uploads.sessions import Opened
from ingest.uploads.slots import UploadSlots

pytestmark = pytest.mark.integration

DATA = text(PART + 3 * MIB)


class Door:
    """The core as a door uses it, for the owner ann."""

    def __init__(self, ingest: RunningIngest, database: Database) -> None:
        core = core_of(ingest, database)
        self.desk, self.sessions = core.desk, core.sessions
        self.appender, self.completer = core.appender, core.completer

    async def open(self, *, size: int | None = len(DATA), name: str = "a.txt") -> Upload:
        said = Announcement(
            owner="ann",
            mode=UploadMode.TUS,
            filename=name,
            declared_type=None,
            size_bytes=size,
            sha256=None,
            priority=Priority.NORMAL,
            options={},
            metadata={},
        )
        opened = await self.sessions.open(said)
        assert isinstance(opened, Opened)
        return opened.upload

    async def append(
        self, upload: Upload, offset: int, data: bytes, *, checksum: Checksum | None = None
    ) -> int:
        return await self.appender.append(
            upload.upload_id, pieces(data), owner="ann", offset=offset, checksum=checksum
        )


class SlowReads(MinioObjectStore):
    """A store whose answers to reads wait until the test lets them come."""

    def __init__(self, settings: ObjectStoreSettings) -> None:
        super().__init__(settings)
        self.asked, self.may_answer = asyncio.Event(), asyncio.Event()

    async def get(self, key: str) -> bytes:
        self.asked.set()
        await self.may_answer.wait()
        return await super().get(key)


@pytest.fixture
async def slow_store(ingest: RunningIngest) -> AsyncIterator[SlowReads]:
    store = SlowReads(ingest.settings.object_store)
    yield store
    store.close()


@pytest.fixture
def door(ingest: RunningIngest, database: Database) -> Door:
    return Door(ingest, database)


async def pieces(data: bytes, *, size: int = 64 * 1024) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def broken_off(data: bytes) -> AsyncIterator[bytes]:
    async for piece in pieces(data):
        yield piece
    raise UploadAbandonedError("gone")


async def test_appends_of_odd_sizes_become_the_file(ingest: RunningIngest, door: Door) -> None:
    upload = await door.open()
    offset = 0
    for size in (10, 3 * MIB, 6 * MIB, len(DATA)):
        data = DATA[offset : offset + size]
        offset = await door.append(upload, offset, data)
    assert offset == len(DATA)

    done = await door.completer.complete(upload.upload_id, owner="ann")

    assert await ingest.store.get(original_key(done.document_id)) == DATA
    assert await ingest.keys() == [original_key(done.document_id)]
    assert not await ingest.store.open_multiparts("")


async def test_parts_of_an_append_are_hashed_while_they_come(
    ingest: RunningIngest, door: Door
) -> None:
    data = text(2 * PART + 5)
    upload = await door.open(size=len(data))

    await door.append(upload, 0, data)

    progress = await door.sessions.progress(upload.upload_id, owner="ann")
    assert [part.number for part in progress.parts] == [1, 2]
    known = await door.desk.hash_ahead.prefix(upload.upload_id, progress.parts)
    assert known is not None
    assert known.size_bytes == 2 * PART
    done = await door.completer.complete(upload.upload_id, owner="ann")
    document = await ingest.client.get(f"/api/v1/documents/{done.document_id}")
    assert document.json()["sha256"] == hashlib.sha256(data).hexdigest()
    assert await door.desk.hash_ahead.prefix(upload.upload_id, progress.parts) is None


async def test_a_file_that_fills_no_part_needs_no_multipart(
    ingest: RunningIngest, door: Door
) -> None:
    upload = await door.open(size=5)
    await door.append(upload, 0, b"he")
    await door.append(upload, 2, b"llo")

    done = await door.completer.complete(upload.upload_id, owner="ann")

    assert await ingest.store.get(original_key(done.document_id)) == b"hello"
    assert await ingest.keys() == [original_key(done.document_id)]


async def test_what_came_before_the_client_went_is_kept(door: Door) -> None:
    upload = await door.open()

    with pytest.raises(UploadAbandonedError):
        await door.appender.append(
            upload.upload_id, broken_off(DATA[: 9 * MIB]), owner="ann", offset=0
        )

    with pytest.raises(OffsetMismatchError) as refused:
        await door.append(upload, 0, DATA)
    assert refused.value.offset == 9 * MIB
    assert await door.append(upload, 9 * MIB, DATA[9 * MIB :]) == len(DATA)


async def test_with_a_checksum_all_or_nothing_counts(door: Door) -> None:
    upload = await door.open()
    right = Checksum("sha256", hashlib.sha256(DATA).digest())
    wrong = Checksum("sha256", hashlib.sha256(b"other").digest())

    with pytest.raises(ChunkHashMismatchError):
        await door.append(upload, 0, DATA, checksum=wrong)
    with pytest.raises(UploadAbandonedError):
        await door.appender.append(
            upload.upload_id, broken_off(DATA), owner="ann", offset=0, checksum=right
        )

    assert await door.append(upload, 0, DATA, checksum=right) == len(DATA)


async def test_more_than_was_announced_is_refused(door: Door) -> None:
    upload = await door.open(size=10)

    with pytest.raises(PartTooLargeError):
        await door.append(upload, 0, b"x" * 11)

    assert await door.append(upload, 0, b"x" * 10) == 10


async def test_the_younger_of_two_writers_goes_on(door: Door) -> None:
    upload = await door.open()
    began, taken_over = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        began.set()
        yield DATA[:MIB]
        await taken_over.wait()
        yield DATA[MIB : 9 * MIB]

    older = asyncio.create_task(
        door.appender.append(upload.upload_id, slow(), owner="ann", offset=0)
    )
    await began.wait()
    await door.append(upload, 0, DATA)
    taken_over.set()

    with pytest.raises(UploadBusyError):
        await older
    done = await door.completer.complete(upload.upload_id, owner="ann")
    assert done.document_id == upload.document_id


async def test_a_writer_without_a_slot_overtakes_nobody(ingest: RunningIngest, door: Door) -> None:
    upload = await door.open()
    settings = ingest.settings.uploads.model_copy(update={"concurrent": 1, "slot_wait_s": 0.1})
    full = Appender(desk=replace(door.desk, slots=UploadSlots(settings)), sessions=door.sessions)
    began, refused = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        began.set()
        yield DATA[:MIB]
        await refused.wait()
        yield DATA[MIB:]

    older = asyncio.create_task(full.append(upload.upload_id, slow(), owner="ann", offset=0))
    await began.wait()
    with pytest.raises(OverloadedError):
        await full.append(upload.upload_id, pieces(DATA), owner="ann", offset=0)
    refused.set()

    assert await older == len(DATA)


async def test_a_writer_that_was_overtaken_takes_nothing_away(
    ingest: RunningIngest, door: Door, slow_store: SlowReads
) -> None:
    upload = await door.open()
    await door.append(upload, 0, DATA[:MIB])
    slow = Appender(desk=replace(door.desk, store=slow_store), sessions=door.sessions)
    older = asyncio.create_task(
        slow.append(upload.upload_id, pieces(DATA[MIB:]), owner="ann", offset=MIB)
    )
    await slow_store.asked.wait()
    await door.append(upload, MIB, DATA[MIB : 9 * MIB])  # with it the tail that is read has gone
    slow_store.may_answer.set()

    with pytest.raises(UploadBusyError):
        await older

    await door.append(upload, 9 * MIB, DATA[9 * MIB :])
    done = await door.completer.complete(upload.upload_id, owner="ann")
    assert await ingest.store.get(original_key(done.document_id)) == DATA


async def test_a_size_told_later_binds_from_then_on(ingest: RunningIngest, door: Door) -> None:
    upload = await door.open(size=None)
    await door.append(upload, 0, b"hel")

    await door.appender.declare_size(upload.upload_id, owner="ann", size_bytes=5)

    with pytest.raises(PartTooLargeError):
        await door.append(upload, 3, b"lo world")
    await door.append(upload, 3, b"lo")
    done = await door.completer.complete(upload.upload_id, owner="ann")
    assert await ingest.store.get(original_key(done.document_id)) == b"hello"


async def test_bytes_that_are_not_what_the_name_says_end_the_upload(
    ingest: RunningIngest, door: Door
) -> None:
    upload = await door.open(name="a.pdf")

    with pytest.raises(PermanentError):
        await door.append(upload, 0, DATA)

    assert await ingest.is_empty()
    with pytest.raises(UploadEndedError):
        await door.append(upload, 0, DATA)
