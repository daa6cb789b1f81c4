"""Hashing while parts come: in their order, within bounds, and only of the parts that count."""

import asyncio
import hashlib
from uuid import UUID

import pytest

from ingest.upload import Part
from ingest.uploads.hash_ahead import HashAhead

UPLOAD, OTHER = UUID(int=1), UUID(int=2)


def part(number: int, *, etag: str = "etag") -> Part:
    return Part(number, 4, hashlib.sha256(data(number)).hexdigest(), etag)


def data(number: int) -> bytes:
    return f"{number:04d}".encode()


def parts(last: int) -> list[Part]:
    return [part(number) for number in range(1, last + 1)]


async def hashed(ahead: HashAhead, upload_id: UUID, last: int) -> int:
    """Return how many bytes are hashed, whose hash must be that of the first parts."""
    prefix = await ahead.prefix(upload_id, parts(last))
    if prefix is None:
        return 0
    whole = b"".join(map(data, range(1, last + 1)))[: prefix.size_bytes]
    assert prefix.hasher.hexdigest() == hashlib.sha256(whole).hexdigest()
    assert prefix.head == whole[:8192]
    return prefix.size_bytes


async def added(ahead: HashAhead, *numbers: int, upload_id: UUID = UPLOAD) -> None:
    for number in numbers:
        await ahead.add(upload_id, part(number), data(number))


@pytest.mark.parametrize("order", [(1, 2, 3, 4), (4, 3, 2, 1), (2, 1, 4, 3), (1, 1, 3, 2, 4, 2)])
async def test_parts_of_any_order_are_hashed_in_theirs(order: tuple[int, ...]) -> None:
    ahead = HashAhead(max_waiting_bytes=100)

    await added(ahead, *order)

    assert await hashed(ahead, UPLOAD, 4) == 16


async def test_parts_that_come_at_once_are_hashed_in_their_order() -> None:
    ahead = HashAhead(max_waiting_bytes=1000)

    numbers = range(12, 0, -1)
    await asyncio.gather(*(ahead.add(UPLOAD, part(n), data(n)) for n in numbers))

    assert await hashed(ahead, UPLOAD, 12) == 48


async def test_a_part_that_misses_ends_what_is_known_before_it() -> None:
    ahead = HashAhead(max_waiting_bytes=1000)

    await added(ahead, 1, 2, 4, 5)

    assert await hashed(ahead, UPLOAD, 5) == 8


async def test_other_parts_than_those_that_count_are_not_known() -> None:
    ahead = HashAhead(max_waiting_bytes=1000)
    await added(ahead, 1, 2, 3)

    sent_again = [part(1), part(2, etag="another"), part(3)]

    assert await ahead.prefix(UPLOAD, sent_again) is None
    assert await ahead.prefix(UPLOAD, parts(2)) is None
    assert await hashed(ahead, UPLOAD, 3) == 12


async def test_what_is_known_can_be_read_more_than_once() -> None:
    ahead = HashAhead(max_waiting_bytes=1000)
    await added(ahead, 1)
    first = await ahead.prefix(UPLOAD, parts(1))
    assert first is not None
    first.hasher.update(b"somebody goes on")

    await added(ahead, 2)

    assert await hashed(ahead, UPLOAD, 2) == 8


async def test_what_waits_is_bounded_and_the_oldest_upload_pays() -> None:
    ahead = HashAhead(max_waiting_bytes=8)
    await added(ahead, 3, 2, upload_id=OTHER)

    await added(ahead, 2)
    await added(ahead, 1)
    await added(ahead, 1, upload_id=OTHER)

    assert await hashed(ahead, UPLOAD, 2) == 8
    assert await hashed(ahead, OTHER, 3) == 4


async def test_without_room_to_wait_parts_in_order_are_still_hashed() -> None:
    ahead = HashAhead(max_waiting_bytes=0)

    await added(ahead, 1, 2, 4, 3)

    assert await hashed(ahead, UPLOAD, 4) == 12


async def test_a_part_far_ahead_shows_that_one_was_missed_and_frees_what_waits() -> None:
    ahead = HashAhead(max_waiting_bytes=8)
    await added(ahead, 2, 3, upload_id=OTHER)

    await added(ahead, 100, upload_id=OTHER)
    await added(ahead, 2, 3)
    await added(ahead, 1, upload_id=OTHER)
    await added(ahead, 1)

    assert await hashed(ahead, UPLOAD, 3) == 12
    assert await hashed(ahead, OTHER, 3) == 4


async def test_a_forgotten_upload_is_not_known_and_leaves_its_room() -> None:
    ahead = HashAhead(max_waiting_bytes=8)
    await added(ahead, 2, 3, upload_id=OTHER)

    ahead.forget(OTHER)
    ahead.forget(OTHER)
    await added(ahead, 2, 3, 1)

    assert await ahead.prefix(OTHER, parts(3)) is None
    assert await hashed(ahead, UPLOAD, 3) == 12
