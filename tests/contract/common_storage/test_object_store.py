"""What every ObjectStore promises: the S3 adapter on a real server, and the in-memory one."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from docyard_common.errors import ObjectMissingError
from docyard_common.storage import (
    InMemoryObjectStore,
    MinioObjectStore,
    ObjectDigest,
    ObjectPrefix,
    ObjectStore,
    PartsRefusedError,
    RecentObjects,
)

MIB = 1024 * 1024


@pytest.fixture(params=["memory", "recent", pytest.param("s3", marks=pytest.mark.integration)])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[ObjectStore]:
    if request.param == "memory":
        yield InMemoryObjectStore()
        return
    if request.param == "recent":
        yield RecentObjects(InMemoryObjectStore(), max_bytes=100, max_object_bytes=50)
        return
    s3 = MinioObjectStore(request.getfixturevalue("object_store_settings"))
    yield s3
    s3.close()


async def read(store: ObjectStore, key: str, offset: int = 0, length: int | None = None) -> bytes:
    return b"".join([piece async for piece in store.stream(key, offset=offset, length=length)])


async def test_what_was_put_is_got(store: ObjectStore) -> None:
    await store.put("a/b", b"hello")

    assert await store.get("a/b") == b"hello"


async def test_a_second_put_replaces_the_first(store: ObjectStore) -> None:
    await store.put("k", b"first")
    await store.put("k", b"second")

    assert await store.get("k") == b"second"


async def test_an_empty_object_is_an_object(store: ObjectStore) -> None:
    await store.put("empty", b"")

    assert await store.get("empty") == b""
    assert await read(store, "empty") == b""
    assert (await store.stat("empty")).size_bytes == 0


async def test_keys_may_hold_any_printable_text(store: ObjectStore) -> None:
    key = "documents/ümläut & space+plus=100%?/#1 ~.txt"

    await store.put(key, b"x")

    assert await store.get(key) == b"x"
    assert [found.key async for found in store.list("documents/")] == [key]


async def test_stat_tells_size_type_and_time(store: ObjectStore) -> None:
    await store.put("k", b"12345", content_type="text/plain")

    stat = await store.stat("k")

    assert (stat.key, stat.size_bytes, stat.content_type) == ("k", 5, "text/plain")
    assert stat.etag
    assert abs(stat.modified_at - datetime.now(UTC)) < timedelta(minutes=5)


@pytest.mark.parametrize("call", ["get", "stat", "stream", "download", "empty_range"])
async def test_a_missing_object_is_named_as_missing(
    store: ObjectStore, call: str, tmp_path: Path
) -> None:
    calls: dict[str, Callable[[], Awaitable[object]]] = {
        "get": lambda: store.get("none"),
        "stat": lambda: store.stat("none"),
        "stream": lambda: read(store, "none"),
        "download": lambda: store.download("none", tmp_path / "none"),
        "empty_range": lambda: read(store, "none", length=0),
    }
    with pytest.raises(ObjectMissingError):
        await calls[call]()


@pytest.mark.parametrize(
    ("offset", "length"),
    [(0, None), (0, 1), (1, 3), (MIB - 1, 2), (3 * MIB, None), (3 * MIB + 5, 100), (0, 0)],
)
async def test_a_stream_yields_exactly_the_range(
    store: ObjectStore, offset: int, length: int | None
) -> None:
    data = os.urandom(3 * MIB + 10)
    await store.put("big", data)

    end = None if length is None else offset + length
    assert await read(store, "big", offset, length) == data[offset:end]


async def test_a_stream_from_behind_the_end_is_empty(store: ObjectStore) -> None:
    await store.put("k", b"12345")

    assert await read(store, "k", offset=5) == b""
    assert await read(store, "k", offset=100) == b""


async def test_a_stream_comes_in_pieces_and_may_be_left_early(store: ObjectStore) -> None:
    await store.put("big", bytes(5 * MIB))

    for _ in range(40):  # more often than there are connections
        async for piece in store.stream("big"):
            assert 0 < len(piece) <= 2 * MIB
            break

    assert len(await store.get("big")) == 5 * MIB


async def test_a_download_writes_the_file_and_tells_its_hash(
    store: ObjectStore, tmp_path: Path
) -> None:
    data = os.urandom(2 * MIB + 7)
    await store.put("k", data)

    digest = await store.download("k", tmp_path / "file")

    assert digest == hashlib.sha256(data).hexdigest()
    assert (tmp_path / "file").read_bytes() == data


@pytest.mark.parametrize("size", [0, 100, 4 * MIB, 9 * MIB + 7])
async def test_a_digest_says_what_an_object_is(store: ObjectStore, size: int) -> None:
    data = os.urandom(size)
    await store.put("k", data)

    found = await store.digest("k", head_bytes=50)

    assert found == ObjectDigest(size, hashlib.sha256(data).hexdigest(), data[:50])


async def test_a_digest_goes_on_behind_what_is_known(store: ObjectStore) -> None:
    data = os.urandom(9 * MIB)
    await store.put("k", data)
    known = b"as it was hashed by whoever stored it"
    after = ObjectPrefix(len(known), hashlib.sha256(known), known)

    found = await store.digest("k", head_bytes=50, after=after)

    expected = known + data[len(known) :]
    assert found == ObjectDigest(len(data), hashlib.sha256(expected).hexdigest(), expected[:50])
    assert after.hasher.digest() == hashlib.sha256(known).digest()


async def test_a_whole_prefix_needs_nothing_read_and_a_longer_one_counts_for_nothing(
    store: ObjectStore,
) -> None:
    await store.put("k", b"12345")
    whole = ObjectPrefix(5, hashlib.sha256(b"other"), b"other")
    longer = ObjectPrefix(6, hashlib.sha256(b"longer"), b"longer")

    known = await store.digest("k", head_bytes=3, after=whole)
    read = await store.digest("k", head_bytes=3, after=longer)

    assert known == ObjectDigest(5, hashlib.sha256(b"other").hexdigest(), b"oth")
    assert read == ObjectDigest(5, hashlib.sha256(b"12345").hexdigest(), b"123")


async def test_a_digest_of_nothing_is_missing(store: ObjectStore) -> None:
    with pytest.raises(ObjectMissingError):
        await store.digest("nothing", head_bytes=1)


async def test_a_listing_holds_what_starts_with_the_prefix_in_order(store: ObjectStore) -> None:
    for key in ("d/2", "d/10", "d/1", "dd/1", "e"):
        await store.put(key, key.encode())

    found = [stat async for stat in store.list("d/")]

    assert [stat.key for stat in found] == ["d/1", "d/10", "d/2"]
    assert [stat.size_bytes for stat in found] == [3, 4, 3]
    assert [stat.key async for stat in store.list("nothing/")] == []


async def test_a_listing_goes_on_beyond_a_page(store: ObjectStore) -> None:
    for number in range(1010):
        await store.put(f"many/{number:04d}", b"x")

    keys = [stat.key async for stat in store.list("many/")]

    assert keys == [f"many/{number:04d}" for number in range(1010)]
    assert await store.delete_prefix("many/") == 1010


async def test_a_copy_stands_on_its_own(store: ObjectStore) -> None:
    await store.put("from/a b", b"hello", content_type="text/plain")
    await store.put("to/it", b"what lay there")

    await store.copy("from/a b", "to/it")
    await store.delete("from/a b")

    assert await store.get("to/it") == b"hello"
    assert (await store.stat("to/it")).content_type == "text/plain"


async def test_what_is_missing_is_not_copied(store: ObjectStore) -> None:
    with pytest.raises(ObjectMissingError):
        await store.copy("nowhere", "to/it")


async def test_delete_is_idempotent(store: ObjectStore) -> None:
    await store.put("k", b"x")

    await store.delete("k")
    await store.delete("k")

    with pytest.raises(ObjectMissingError):
        await store.get("k")


async def test_delete_prefix_removes_that_and_nothing_else(store: ObjectStore) -> None:
    for key in ("d/1", "d/e/f/2", "dd/1"):
        await store.put(key, b"x")

    assert await store.delete_prefix("d/") == 2
    assert await store.delete_prefix("d/") == 0
    assert [stat.key async for stat in store.list("d")] == ["dd/1"]


async def test_an_empty_prefix_is_refused(store: ObjectStore) -> None:
    await store.put("k", b"x")

    with pytest.raises(ValueError, match="empty prefix"):
        await store.delete_prefix("")

    assert await store.get("k") == b"x"


async def test_parts_become_one_object_when_completed(store: ObjectStore) -> None:
    parts = [os.urandom(5 * MIB), os.urandom(5 * MIB), b"tail"]
    upload = await store.start_multipart("k", content_type="application/pdf")
    etags = [
        (number, await store.put_part("k", upload, number, data))
        for number, data in reversed(list(enumerate(parts, 1)))
    ]
    with pytest.raises(ObjectMissingError):
        await store.get("k")

    await store.complete_multipart("k", upload, sorted(etags))

    assert await store.get("k") == b"".join(parts)
    stat = await store.stat("k")
    assert (stat.size_bytes, stat.content_type) == (10 * MIB + 4, "application/pdf")


async def test_a_part_sent_again_replaces_the_earlier_one(store: ObjectStore) -> None:
    upload = await store.start_multipart("k", content_type="text/plain")
    await store.put_part("k", upload, 1, b"wrong")
    etag = await store.put_part("k", upload, 1, b"right")

    await store.complete_multipart("k", upload, [(1, etag)])

    assert await store.get("k") == b"right"


async def test_completing_twice_changes_nothing(store: ObjectStore) -> None:
    upload = await store.start_multipart("k", content_type="text/plain")
    etag = await store.put_part("k", upload, 1, b"data")
    await store.complete_multipart("k", upload, [(1, etag)])

    await store.complete_multipart("k", upload, [(1, etag)])

    assert await store.get("k") == b"data"


async def test_a_part_that_was_never_sent_is_refused(store: ObjectStore) -> None:
    upload = await store.start_multipart("k", content_type="text/plain")
    etag = await store.put_part("k", upload, 1, b"data")

    with pytest.raises(PartsRefusedError):
        await store.complete_multipart("k", upload, [(1, etag), (2, etag)])
    with pytest.raises(PartsRefusedError):
        await store.complete_multipart("k", upload, [(1, "0" * 32)])

    await store.complete_multipart("k", upload, [(1, etag)])
    assert await store.get("k") == b"data"


async def test_a_small_part_in_the_middle_is_refused(store: ObjectStore) -> None:
    upload = await store.start_multipart("k", content_type="text/plain")
    parts = [(number, await store.put_part("k", upload, number, b"small")) for number in (1, 2)]

    with pytest.raises(PartsRefusedError):
        await store.complete_multipart("k", upload, parts)


async def test_an_aborted_upload_is_gone_and_aborting_again_is_fine(store: ObjectStore) -> None:
    upload = await store.start_multipart("k", content_type="text/plain")
    etag = await store.put_part("k", upload, 1, b"data")

    await store.abort_multipart("k", upload)
    await store.abort_multipart("k", upload)

    with pytest.raises(ObjectMissingError):
        await store.put_part("k", upload, 1, b"data")
    with pytest.raises(ObjectMissingError):
        await store.complete_multipart("k", upload, [(1, etag)])


async def test_uploads_that_are_under_way_are_in_no_listing(store: ObjectStore) -> None:
    upload = await store.start_multipart("d/k", content_type="text/plain")
    await store.put_part("d/k", upload, 1, b"data")

    assert [stat.key async for stat in store.list("d")] == []


async def test_uploads_that_have_not_ended_are_found_until_they_do(store: ObjectStore) -> None:
    first = await store.start_multipart("a/1", content_type="text/plain")
    second = await store.start_multipart("a/2", content_type="text/plain")
    await store.start_multipart("b/1", content_type="text/plain")

    found = await store.open_multiparts("a/")
    assert [(upload.key, upload.upload_id) for upload in found] == [("a/1", first), ("a/2", second)]
    assert abs(datetime.now(UTC) - found[0].started_at) < timedelta(minutes=5)

    await store.abort_multipart("a/1", first)
    assert [upload.key for upload in await store.open_multiparts("a/")] == ["a/2"]


async def test_the_bucket_may_exist_already(store: ObjectStore) -> None:
    await store.ensure_bucket()
    await store.ensure_bucket()

    await store.put("k", b"x")


async def test_of_many_that_put_something_new_one_wins(store: ObjectStore) -> None:
    won = await asyncio.gather(*(store.put_new("k", str(n).encode()) for n in range(16)))

    assert won.count(True) == 1
    assert await store.get("k") == str(won.index(True)).encode()
