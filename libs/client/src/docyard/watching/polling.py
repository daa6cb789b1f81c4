"""Progress by asking again and again: slow, and works wherever HTTP does."""

import asyncio
from collections.abc import AsyncGenerator

from docyard.errors import NotFoundError
from docyard.models import Progress
from docyard.resources.documents import Documents
from docyard.watching.positions import Positions

CONCURRENCY = 8
"""Questions on their way at a time, however many documents are watched."""


class PollingSource:
    """Asks ingest for every pending document, a number of rounds, and returns.

    It returns so that the watcher can try a live source again.
    """

    def __init__(self, documents: Documents, *, interval_s: float = 1.0, rounds: int = 15) -> None:
        self._documents = documents
        self._interval_s = interval_s
        self._rounds = rounds
        self._slots = asyncio.Semaphore(CONCURRENCY)

    async def follow(self, positions: Positions) -> AsyncGenerator[Progress, None]:
        """Yield where documents are. Raises NotFoundError for one that was never there."""
        for _round in range(self._rounds):
            answers = await asyncio.gather(
                *(self._ask(id_, positions) for id_ in positions.pending)
            )
            for update in answers:
                yield update
            if not positions.pending:
                return
            await asyncio.sleep(self._interval_s)

    async def _ask(self, document_id: str, positions: Positions) -> Progress:
        async with self._slots:
            try:
                return await self._documents.get(document_id)
            except NotFoundError:
                last = positions.newest(document_id)
                if last is None:
                    raise
                return Progress(document_id=document_id, seq=last + 1, state="deleted")
