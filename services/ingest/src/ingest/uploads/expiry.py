"""Ends uploads whose time is over, and takes away what ended uploads have left."""

from datetime import timedelta
from typing import Final

from docyard_common.clock import Clock
from docyard_common.database import Database
from docyard_common.observability import metrics
from docyard_common.storage import ObjectStore
from ingest.tables import uploads
from ingest.upload import UploadState
from ingest.uploads.leftovers import Leftovers

_BATCH: Final = 100
_CLEAR_AGE_S: Final = 60.0
"""An end that is under way is left to its request; a part in flight has arrived by then."""


class Expiry:
    """Idempotent, and safe in several replicas at once."""

    def __init__(self, *, database: Database, store: ObjectStore, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._leftovers = Leftovers(database=database, store=store)

    async def expire(self) -> int:
        """End uploads that nobody went on with; return how many.

        Raises DependencyUnavailableError.
        """
        now = self._clock.now()
        async with self._database.transaction() as tx:
            late = await uploads.expired(tx, at=now, limit=_BATCH)
        ended = 0
        for upload in late:
            async with self._database.transaction() as tx:
                if not await uploads.end(tx, upload.upload_id, UploadState.EXPIRED, at=now):
                    continue
            metrics.UPLOADS_ABORTED.labels(upload.announced.mode).inc()
            await self._leftovers.clear_soon(upload)
            ended += 1
        return ended

    async def clear(self) -> int:
        """Remove what interrupted ends have left; return of how many uploads.

        Raises DependencyUnavailableError.
        """
        before = self._clock.now() - timedelta(seconds=_CLEAR_AGE_S)
        async with self._database.transaction() as tx:
            marked = await uploads.uncleared(tx, before=before, limit=_BATCH)
        for upload in marked:
            await self._leftovers.clear(upload)
        return len(marked)
