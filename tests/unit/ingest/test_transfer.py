"""Transfers: bytes become one object, hashed on the way; what goes wrong leaves nothing."""

import asyncio
import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.waiting import eventually

from docyard_common.errors import DependencyUnavailableError, ObjectMissingError
from docyard_common.storage import InMemoryObjectStore
from ingest.uploads.transfer import HashOnly, StoredFile, Transfer, TransferLimits

MIB = 1024 * 1024
PART = 5 * MIB
KEY = "documents/1/original"


class CountingStore(InMemoryObjectStore):
    """Counts what is on its way at once; can refuse a part, or let the first wait for company."""

    def __init__(self, *, refused_part: int = 0, first_waits: bool = False) -> None:
        super().__init__()
        self.refused_part = refused_part
        self.first_waits = first_waits
        self.company = asyncio.Event()
        self.active = 0
        self.most_active = 0
        self.parts = 0
        self.puts = 0

    async def put(
        self, key: str, data: bytes, *, content_type: str = "application/octet-stream"
    ) -> str:
        self.puts += 1
        return await super().put(key, data, content_type=content_type)

    async def put_part(self, key: str, upload_id: str, number: int, data: bytes) -> str:
        self.parts += 1
        if number == self.refused_part:
            raise DependencyUnavailableError("object_store", "gone")
        self.active += 1
        self.most_active = max(self.most_active, self.active)
        if self.active > 1:
            self.company.set()
        if self.first_waits and number == 1:
            await asyncio.wait_for(self.company.wait(), 60)
        # Later parts end first: order must not depend on who is faster.
        for _ in range(50 // number):
            await asyncio.sleep(0)
        self.active -= 1
        return await super().put_part(key, upload_id, number, data)


def transfer(store: InMemoryObjectStore, *, in_flight: int = 2, gate: int = 8) -> Transfer:
    limits = TransferLimits(PART, in_flight, asyncio.Semaphore(gate))
    return Transfer(store, KEY, content_type="application/pdf", limits=limits)


async def send(sink: Transfer, data: bytes, piece: int = 256 * 1024) -> StoredFile:
    for start in range(0, len(data), piece):
        await sink.write(data[start : start + piece])
    return await sink.finish()


async def is_empty(store: InMemoryObjectStore) -> bool:
    return not [s async for s in store.list("")] and not await store.open_multiparts("")


@pytest.mark.parametrize("size", [1, PART - 1, PART])
async def test_a_small_file_goes_by_one_put(size: int) -> None:
    store = CountingStore()

    stored = await send(transfer(store), b"x" * size)

    assert stored.size_bytes == size
    assert (await store.stat(KEY)).content_type == "application/pdf"
    assert (store.puts, store.parts) == (1, 0)


@settings(max_examples=25)
@given(size=st.integers(PART + 1, 4 * PART), piece=st.integers(64 * 1024, 7 * MIB))
async def test_a_large_file_arrives_whole_however_it_is_cut(size: int, piece: int) -> None:
    store = InMemoryObjectStore()
    data = hashlib.shake_256(size.to_bytes(8)).digest(size)

    stored = await send(transfer(store), data, piece)

    assert stored == StoredFile(size, hashlib.sha256(data).hexdigest())
    assert await store.get(KEY) == data
    assert not await store.open_multiparts("")


async def test_no_more_parts_are_on_their_way_than_allowed() -> None:
    store = CountingStore(first_waits=True)

    await send(transfer(store, in_flight=2), b"x" * (8 * PART))

    assert store.most_active == 2


async def test_the_gate_bounds_all_transfers_together() -> None:
    store = CountingStore()
    limits = TransferLimits(PART, 2, asyncio.Semaphore(1))
    sinks = [Transfer(store, f"k{n}", content_type="a/b", limits=limits) for n in range(3)]

    await asyncio.gather(*(send(sink, b"x" * (3 * PART)) for sink in sinks))

    assert store.most_active == 1


@pytest.mark.parametrize("refused_part", [1, 2, 3])
async def test_a_refused_part_ends_the_transfer_and_leaves_nothing(refused_part: int) -> None:
    store = CountingStore(refused_part=refused_part)
    sink = transfer(store)

    with pytest.raises(DependencyUnavailableError):
        await send(sink, b"x" * (4 * PART))
    await sink.discard()

    assert await is_empty(store)


@pytest.mark.parametrize("size", [10, 3 * PART])
async def test_discard_takes_away_what_is_stored_and_may_be_repeated(size: int) -> None:
    store = InMemoryObjectStore()
    sink = transfer(store)
    await send(sink, b"x" * size)

    await sink.discard()
    await sink.discard()

    assert await is_empty(store)


async def test_discard_in_the_middle_aborts_the_multipart_upload() -> None:
    store = InMemoryObjectStore()
    sink = transfer(store)
    await sink.write(b"x" * (PART + 1))
    assert await store.open_multiparts("")

    await sink.discard()

    assert await is_empty(store)


async def test_discard_survives_the_cancellation_of_its_request() -> None:
    store = InMemoryObjectStore()
    sink = transfer(store)
    await sink.write(b"x" * (PART + 1))

    task = asyncio.create_task(sink.discard())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    await eventually(lambda: is_empty(store))


async def test_a_hash_only_sink_stores_nothing() -> None:
    sink = HashOnly()
    await sink.write(b"hello ")
    await sink.write(b"world")

    assert await sink.finish() == StoredFile(11, hashlib.sha256(b"hello world").hexdigest())
    await sink.discard()


async def test_an_object_is_missing_until_the_file_is_whole() -> None:
    store = InMemoryObjectStore()
    sink = transfer(store)
    await sink.write(b"x" * (2 * PART))

    with pytest.raises(ObjectMissingError):
        await store.stat(KEY)
    await sink.finish()
    assert (await store.stat(KEY)).size_bytes == 2 * PART
