"""How many bodies are read at once, whatever door they come in by: memory is bound by it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from weakref import WeakValueDictionary

from ingest.errors import OverloadedError
from ingest.settings import UploadSettings


class UploadSlots:
    """Shared by all doors of a process; no owner alone can hold all of them."""

    def __init__(self, uploads: UploadSettings) -> None:
        self._bodies = asyncio.Semaphore(uploads.concurrent)
        self._of_one_owner = uploads.concurrent_per_owner or -(-uploads.concurrent // 2)
        # Whoever holds or awaits a slot keeps its owner's share alive.
        self._shares: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self._wait_s = uploads.slot_wait_s
        self.stores = asyncio.Semaphore(uploads.stores_in_flight)
        """Held while bytes are on their way to the store."""

    @contextlib.asynccontextmanager
    async def body(self, owner: str) -> AsyncIterator[None]:
        """Hold a slot while a body of *owner* is read.

        Raises OverloadedError when none gets free in time, of all or of those for one owner.
        """
        async with contextlib.AsyncExitStack() as held:
            try:
                async with asyncio.timeout(self._wait_s):
                    # The share first: who waits for it keeps no slot from others.
                    await held.enter_async_context(self._share(owner))
                    await held.enter_async_context(self._bodies)
            except TimeoutError as error:
                raise OverloadedError("Too many uploads are under way; try again soon.") from error
            yield

    def _share(self, owner: str) -> asyncio.Semaphore:
        return self._shares.setdefault(owner, asyncio.Semaphore(self._of_one_owner))
