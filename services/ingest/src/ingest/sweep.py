"""Finds what a kill -9 has left behind, and forgets what has had its time.

Idempotent, and safe in several replicas at once: everything it removes nobody can see.
"""

import asyncio
import logging
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from docyard_common.artifacts import DOCUMENTS, ORIGINALS, PRESIGNED
from docyard_common.database import Transaction, lock_document
from docyard_common.errors import DependencyUnavailableError, ObjectMissingError
from ingest.documents.lifecycle import Lifecycle
from ingest.documents.reconciling import Reconciler
from ingest.documents.retention import Retention
from ingest.settings import SweepSettings
from ingest.tables import (
    bulk,
    contents,
    erasure,
    idempotency,
    sweeps,
    sync_documents,
    uploads,
    usage,
)
from ingest.uploads.arrivals import Arrivals
from ingest.uploads.desk import UploadDesk
from ingest.uploads.expiry import Expiry

logger = logging.getLogger(__name__)

_ORPHANS: Final = "orphans"
_ERASE_BATCH: Final = 100
_REVIVE_BATCH: Final = 1_000
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
        desk: UploadDesk,
        lifecycle: Lifecycle,
        reconciler: Reconciler,
        arrivals: Arrivals,
        retention: Retention,
        settings: SweepSettings,
    ) -> None:
        self._database = desk.database
        self._store = desk.store
        self._clock = desk.clock
        self._lifecycle = lifecycle
        self._reconciler = reconciler
        self._arrivals = arrivals
        self._retention = retention
        self._settings = settings
        self._expiry = Expiry(database=desk.database, store=desk.store, clock=desk.clock)

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
        # Looked for before uploads expire: one that is all there becomes a document.
        await self._arrivals.sweep()
        await self._expiry.expire()
        await self._expiry.clear()
        await self.remove_orphans()
        await self.abort_stale_uploads()
        await self.revive_stuck()
        try:
            await self._retention.sweep()
        finally:
            await self.forget()

    async def finish_deletes(self) -> int:
        """Erase documents whose delete was interrupted; return how many."""
        before = self._clock.now() - timedelta(seconds=_ERASE_AGE_S)
        erased = 0
        # An archive may have thousands of children: all of them are erased in one sweep.
        while marked := await self._marked(before):
            for document_id in marked:
                await self._lifecycle.erase(document_id)
            erased += len(marked)
        return erased

    async def _marked(self, before: datetime) -> list[UUID]:
        async with self._database.transaction() as tx:
            return await erasure.unfinished(tx, before=before, limit=_ERASE_BATCH)

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
            for root in (ORIGINALS, PRESIGNED):
                removed += await self._remove_orphans_under(root + prefix, until)
        async with self._database.transaction() as tx:
            await sweeps.advance(tx, _ORPHANS, until=until)
        return removed

    async def abort_stale_uploads(self) -> int:
        """Abort multipart uploads older than `SWEEP__LONGEST_UPLOAD_S` that no open upload has.

        Of artifacts it is a file of a container whose run was killed. Returns how many.
        """
        before = self._clock.now() - timedelta(seconds=self._settings.longest_upload_s)
        stale = [
            found
            for root in (ORIGINALS, PRESIGNED, DOCUMENTS)
            for found in await self._store.open_multiparts(root)
            if found.started_at < before
        ]
        async with self._database.transaction() as tx:
            needed = await uploads.in_use(tx, [found.key for found in stale])
        aborted = 0
        for upload in stale:
            if upload.key not in needed:
                await self._store.abort_multipart(upload.key, upload.upload_id)
                logger.info("sweep.upload_aborted")
                aborted += 1
        return aborted

    async def revive_stuck(self) -> int:
        """Ask again for the work of documents silent for `SWEEP__STUCK_S`; return how many."""
        return await self._reconciler.reconcile(
            silent_s=self._settings.stuck_s, limit=_REVIVE_BATCH
        )

    async def forget(self) -> None:
        """Remove idempotency keys, tombstones and what has ended, once they had their time."""
        now = self._clock.now()
        keys_before = now - timedelta(seconds=self._settings.idempotency_keys_s)
        tombstones_before = now - timedelta(seconds=self._settings.tombstones_s)
        uploads_before = now - timedelta(seconds=self._settings.ended_uploads_s)
        async with self._database.transaction() as tx:
            await idempotency.forget(tx, before=keys_before)
            await sync_documents.forget(tx, before=tombstones_before)
            await erasure.forget(tx, before=tombstones_before)
            await usage.forget(tx, before=now)
            await uploads.forget(tx, before=uploads_before)
        operations_before = now - timedelta(seconds=self._settings.ended_operations_s)
        while await self._forget_operation(operations_before):
            pass

    async def _forget_operation(self, before: datetime) -> bool:
        async with self._database.transaction() as tx:
            return await bulk.forget(tx, before=before)

    async def _remove_orphans_under(self, prefix: str, until: datetime) -> int:
        lying = {stat.key async for stat in self._store.list(prefix) if stat.modified_at < until}
        if not lying:
            return 0
        async with self._database.transaction() as tx:
            needed = await _needed(tx, lying)
        removed = 0
        for key in lying - needed:
            removed += await self._remove_orphan(key, until)
        return removed

    async def _remove_orphan(self, key: str, until: datetime) -> bool:
        """Look again under the lock of its document: that may be about to get its row."""
        async with self._database.transaction() as tx:
            with suppress(ValueError):  # a key that nobody makes is nobody's
                await lock_document(tx, UUID(key.rpartition("/")[2]))
            if await _needed(tx, [key]):
                return False
            try:
                stat = await self._store.stat(key)
            except ObjectMissingError:
                return False
            if stat.modified_at >= until:  # put there once more, for a document to come
                return False
            await self._store.delete(key)
        logger.info("sweep.orphan_removed", extra={"object_key": key})
        return True


async def _needed(tx: Transaction, keys: Iterable[str]) -> set[str]:
    # Uploads first: one that ends in a document between the two is found there.
    in_use = await uploads.in_use(tx, keys)
    return in_use | await contents.referenced(tx, keys)


def _prefixes(start: datetime, end: datetime) -> Iterator[str]:
    """Return the first digits of the UUIDv7s that were made between *start* and *end*."""
    first, last = (int((at - _EPOCH) / timedelta(milliseconds=_BUCKET_MS)) for at in (start, end))
    for bucket in range(first, last + 1):
        yield f"{bucket:07x}"
