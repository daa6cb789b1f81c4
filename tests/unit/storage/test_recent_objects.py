"""What is kept of objects: as much as was asked for lately, and no more."""

from docyard_common.storage import InMemoryObjectStore, RecentObjects


class Shelf:
    """Recent objects before a store whose content was replaced behind their back."""

    def __init__(self) -> None:
        self.now = 0.0
        self.store = InMemoryObjectStore()
        self.recent = RecentObjects(
            self.store, max_bytes=100, max_object_bytes=50, keep_s=60, clock=lambda: self.now
        )

    async def put(self, key: str, data: bytes = b"kept") -> None:
        await self.recent.put(key, data)
        await self.store.put(key, b"read from the store")

    async def is_kept(self, key: str) -> bool:
        return await self.recent.get(key) != b"read from the store"


async def test_what_was_just_written_is_not_read_from_the_store() -> None:
    shelf = Shelf()
    await shelf.put("a")

    assert await shelf.is_kept("a")


async def test_what_nobody_asked_for_goes_with_the_next_object() -> None:
    shelf = Shelf()
    await shelf.put("a")
    await shelf.put("b")
    shelf.now = 50.0
    assert await shelf.is_kept("b")

    shelf.now = 61.0
    await shelf.put("c")

    assert not await shelf.is_kept("a")
    assert await shelf.is_kept("b")


async def test_the_oldest_makes_room() -> None:
    shelf = Shelf()
    for key in "abc":
        await shelf.put(key, bytes(40))

    assert not await shelf.is_kept("a")
    assert await shelf.is_kept("b")


async def test_a_large_object_passes_by() -> None:
    shelf = Shelf()
    await shelf.put("a", bytes(51))

    assert not await shelf.is_kept("a")
