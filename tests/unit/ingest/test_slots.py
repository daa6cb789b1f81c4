"""Slots for bodies: bound for all, and fewer of them for any one owner."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from ingest.errors import OverloadedError
from ingest.settings import UploadSettings
from ingest.uploads.slots import UploadSlots


async def _take(slots: UploadSlots, owner: str, count: int, held: AsyncExitStack) -> None:
    for _ in range(count):
        await held.enter_async_context(slots.body(owner))


async def test_one_owner_leaves_half_of_the_slots_to_others() -> None:
    slots = UploadSlots(UploadSettings(concurrent=5, slot_wait_s=0.05))
    async with AsyncExitStack() as held:
        await _take(slots, "ann", 3, held)

        with pytest.raises(OverloadedError):
            await _take(slots, "ann", 1, held)
        await _take(slots, "bob", 2, held)


async def test_the_share_of_one_owner_can_be_set() -> None:
    slots = UploadSlots(UploadSettings(concurrent=4, concurrent_per_owner=1, slot_wait_s=0.05))
    async with AsyncExitStack() as held:
        await _take(slots, "ann", 1, held)

        with pytest.raises(OverloadedError):
            await _take(slots, "ann", 1, held)


async def test_all_owners_together_have_no_more_than_all_slots() -> None:
    slots = UploadSlots(UploadSettings(concurrent=2, slot_wait_s=0.05))
    async with AsyncExitStack() as held:
        await _take(slots, "ann", 1, held)
        await _take(slots, "bob", 1, held)

        with pytest.raises(OverloadedError):
            await _take(slots, "cem", 1, held)


async def test_more_bodies_of_one_owner_wait_for_their_turn() -> None:
    slots = UploadSlots(UploadSettings(concurrent=4))
    read = 0

    async def send() -> None:
        nonlocal read
        async with slots.body("ann"):
            await asyncio.sleep(0)
            read += 1

    await asyncio.gather(*(send() for _ in range(100)))

    assert read == 100


async def test_an_owner_whose_wait_was_in_vain_takes_no_slot_with_it() -> None:
    slots = UploadSlots(UploadSettings(concurrent=2, concurrent_per_owner=2, slot_wait_s=0.05))
    async with AsyncExitStack() as held:
        await _take(slots, "ann", 2, held)
        with pytest.raises(OverloadedError):
            await _take(slots, "bob", 1, held)

    async with AsyncExitStack() as held:
        await _take(slots, "bob", 2, held)
