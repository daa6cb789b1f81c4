"""How many bodies are read at once, whatever door they come in by: memory is bound by it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from ingest.errors import OverloadedError
from ingest.settings import UploadSettings


class UploadSlots:
    """Shared by all doors of a process."""

    def __init__(self, uploads: UploadSettings) -> None:
        self._bodies = asyncio.Semaphore(uploads.concurrent)
        self._wait_s = uploads.slot_wait_s
        self.stores = asyncio.Semaphore(uploads.stores_in_flight)
        """Held while bytes are on their way to the store."""

    @contextlib.asynccontextmanager
    async def body(self) -> AsyncIterator[None]:
        """Hold a slot while a body is read. Raises OverloadedError when none gets free in time."""
        try:
            async with asyncio.timeout(self._wait_s):
                await self._bodies.acquire()
        except TimeoutError as error:
            raise OverloadedError("Too many uploads are under way; try again soon.") from error
        try:
            yield
        finally:
            self._bodies.release()
