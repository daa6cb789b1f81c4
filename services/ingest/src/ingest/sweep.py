"""Finds what a kill -9 has left behind, and forgets what has had its time.

Idempotent, and safe in several replicas at once: everything it removes nobody can see.
"""

import asyncio
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from docyard_common.artifacts import original_key
from docyard_common.clock import Clock
from docyard_common.database import Database
from docyard_common.errors import DependencyUnavailableError
from docyard_common.storage import ObjectStore
from ingest.documents.lifecycle import Lifecycle
from ingest.settings import SweepSettings
from ingest.tables import documents, erasure, idempotency, sweeps, usage

logger = logging.getLogger(__name__)

_ORPHANS: Final = "orphans"
_ERASE_BATCH: Final = 100
_ERASE_AGE_S: Final = 60.0
"""A delete that is under way is left to its request."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_BUCKET_MS: Final = 1 << 20
"""Ids that share their first seven hex digits were made in the same 17.5 minutes."""


class Sweeper:
    """Runs for as long as the service does."""

    def __init__(
        self,
        *,
        database: Database,
        store: ObjectStore,
        lifecycle: Lifecycle,
        clock: Clock,
        settings: SweepSettings,
    ) -> None:
        self._database = database
        self._store = store
        self._lifecycle = lifecycle
        self._clock = clock
        self._settings = settings

    async def run(self) -> None:
        """Sweep every `SWEEP__INTERVAL_S`; a dependency that is away only puts a sweep off."""
        while True:
            try:
                await self.sweep()
            except DependencyUnavailableError as error:
                logger.warning("sweep.postponed", extra={"error": str(error)})
            await asyncio.sleep(self._settings.interval_s)

    async def sweep(self) -> None:
        """Look once. Raises DependencyUnavailableError; what was done until then stays done."""
        await self.finish_deletes()
        await self.remove_orphans()
        await self.abort_stale_uploads()
        await self.forget()

    async def finish_deletes(self) -> int:
        """Erase documents whose delete was interrupted; return how many."""
        before = self._clock.now() - timedelta(seconds=_ERASE_AGE_S)
        async with self._database.transaction() as tx:
            marked = await erasure.unfinished(tx, before=before, limit=_ERASE_BATCH)
        for document_id in marked:
            await self._lifecycle.erase(document_id)
        return len(marked)

    async def remove_orphans(self) -> int:
        """Remove originals that lie there without a row since `SWEEP__ORPHAN_AGE_S`.

        Looks only at ids made since the last sweep, and as long before as an upload may take.
        """
        now = self._clock.now()
        until = now - timedelta(seconds=self._settings.orphan_age_s)
        reach = timedelta(seconds=self._settings.longest_upload_s)
        async with self._database.transaction() as tx:
            swept = await sweeps.swept_until(tx, _ORPHANS)
        removed = 0
        for prefix in _prefixes((swept or until) - reach, now):
            removed += await self._remove_orphans_under(prefix, until)
        async with self._database.transaction() as tx:
            await sweeps.advance(tx, _ORPHANS, until=until)
        return removed

    async def abort_stale_uploads(self) -> int:
        """Abort multipart uploads older than `SWEEP__LONGEST_UPLOAD_S`; return how many."""
        before = self._clock.now() - timedelta(seconds=self._settings.longest_upload_s)
        aborted = 0
        for upload in await self._store.open_multiparts("documents/"):
            if upload.started_at < before:
                await self._store.abort_multipart(upload.key, upload.upload_id)
                logger.info("sweep.upload_aborted")
                aborted += 1
        return aborted

    async def forget(self) -> None:
        """Remove idempotency keys, tombstones and counted uploads that have had their time."""
        now = self._clock.now()
        keys_before = now - timedelta(seconds=self._settings.idempotency_keys_s)
        tombstones_before = now - timedelta(seconds=self._settings.tombstones_s)
        async with self._database.transaction() as tx:
            await idempotency.forget(tx, before=keys_before)
            await erasure.forget(tx, before=tombstones_before)
            await usage.forget(tx, before=now)

    async def _remove_orphans_under(self, prefix: str, until: datetime) -> int:
        lying = [
            UUID(stat.key.split("/")[1])
            async for stat in self._store.list(prefix)
            if stat.key.endswith("/original") and stat.modified_at < until
        ]
        if not lying:
            return 0
        async with self._database.transaction() as tx:
            orphans = set(lying) - await documents.existing(tx, lying)
        for document_id in orphans:
            await self._store.delete(original_key(document_id))
            logger.info("sweep.orphan_removed", extra={"document_id": str(document_id)})
        return len(orphans)


def _prefixes(start: datetime, end: datetime) -> Iterator[str]:
    """Return the prefixes of keys whose UUIDv7 was made between *start* and *end*."""
    first, last = (int((at - _EPOCH) / timedelta(milliseconds=_BUCKET_MS)) for at in (start, end))
    for bucket in range(first, last + 1):
        yield f"documents/{bucket:07x}"
