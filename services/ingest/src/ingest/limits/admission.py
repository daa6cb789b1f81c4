"""Whether an owner may upload: every way in asks here before it takes a byte.

The check before the first byte spares everybody the transfer; the one inside the transaction that
accepts decides, for only there uploads of one owner stand in a line.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from docyard_common.clock import Clock
from docyard_common.database import Database, Transaction
from docyard_common.errors import DependencyUnavailableError
from docyard_common.ids import uuid7
from ingest.limits.owner_limits import OwnerLimits
from ingest.limits.refusals import require_kept, require_room, require_slot, too_large
from ingest.limits.source import LimitSource
from ingest.tables import usage
from ingest.tables.usage import Usage

logger = logging.getLogger(__name__)

_LEASE: Final = timedelta(seconds=60)
"""How long the upload of a process that died is still counted."""
_RENEW_S: Final = 20.0


class Admission:
    """Answers for one owner at a time. Every method raises DependencyUnavailableError."""

    def __init__(self, *, source: LimitSource, database: Database, clock: Clock) -> None:
        self._source = source
        self._database = database
        self._clock = clock

    async def limits(self, owner: str) -> OwnerLimits:
        """Return what holds for *owner*."""
        return await self._source.of(owner)

    async def check(
        self, owner: str, *, size_bytes: int | None = None, documents: int = 1
    ) -> OwnerLimits:
        """Return the limits of *owner* if files of *size_bytes* (all together) may come.

        Raises FileTooLargeError for one file above the owner's size, StorageQuotaExceededError or
        DocumentQuotaExceededError. Nothing is counted: `confirm` decides in the end.
        """
        limits = await self._source.of(owner)
        if documents == 1 and size_bytes is not None and size_bytes > limits.max_file_bytes:
            raise too_large(limits.max_file_bytes)
        if limits.has_quota:
            async with self._database.transaction() as tx:
                used = await usage.of(tx, owner)
            require_room(limits, used, size_bytes=size_bytes or 0, documents=documents)
        return limits

    async def open_upload(
        self, tx: Transaction, upload_id: UUID, *, owner: str, size_bytes: int, expires_at: datetime
    ) -> OwnerLimits:
        """Count an upload that outlasts this request, until `close_upload` or *expires_at*.

        Its bytes are kept free for it. Raises FileTooLargeError, TooManyUploadsError,
        StorageQuotaExceededError or DocumentQuotaExceededError. Idempotent by *upload_id*.
        """
        limits = await self._source.of(owner, tx=tx)
        if size_bytes > limits.max_file_bytes:
            raise too_large(limits.max_file_bytes)
        if await usage.is_open(tx, upload_id):
            return limits
        if limits.max_uploads_in_flight or limits.has_quota:
            await usage.hold(tx, owner)
            used = await usage.of(tx, owner)
            require_slot(limits, used)
            require_room(limits, used, size_bytes=size_bytes, documents=1)
        await usage.open_upload(
            tx, upload_id, owner=owner, size_bytes=size_bytes, expires_at=expires_at
        )
        return limits

    async def close_upload(self, tx: Transaction, upload_id: UUID) -> None:
        """Count the upload no more: it was accepted, cancelled or swept. Idempotent."""
        await usage.close_upload(tx, upload_id)

    @contextlib.asynccontextmanager
    async def uploading(
        self, owner: str, *, size_bytes: int | None = None, documents: int = 1
    ) -> AsyncIterator[OwnerLimits]:
        """Count an upload that begins and ends with this block; yields the owner's limits.

        Raises as `check` does, and TooManyUploadsError. A kill -9 leaves it counted for a minute.
        """
        limits = await self.check(owner, size_bytes=size_bytes, documents=documents)
        if not limits.max_uploads_in_flight:
            yield limits
            return
        upload_id = uuid7()
        await self._begin(upload_id, owner, limits)
        renewing = asyncio.create_task(self._renew(upload_id))
        try:
            yield limits
        finally:
            renewing.cancel()
            # Shielded: a request that is cancelled must still give its place back.
            await asyncio.shield(asyncio.ensure_future(self._end(upload_id)))

    async def confirm(self, tx: Transaction, owner: str) -> None:
        """Refuse the documents that *tx* has added if they are too many or too much.

        Called after the insert, as late as can be: from here to the commit other uploads of the
        owner wait. Raises StorageQuotaExceededError or DocumentQuotaExceededError.
        """
        limits = await self._source.of(owner, tx=tx)
        if not limits.has_quota:
            return
        await usage.count_at_once(tx)
        used = await usage.of(tx, owner)
        require_kept(limits, documents=used.documents, stored_bytes=used.stored_bytes)

    async def usage(self, owner: str) -> Usage:
        """Return what *owner* has here."""
        async with self._database.transaction() as tx:
            return await usage.of(tx, owner)

    async def _begin(self, upload_id: UUID, owner: str, limits: OwnerLimits) -> None:
        async with self._database.transaction() as tx:
            await usage.hold(tx, owner)
            require_slot(limits, await usage.of(tx, owner))
            await usage.open_upload(
                tx, upload_id, owner=owner, size_bytes=0, expires_at=self._clock.now() + _LEASE
            )

    async def _renew(self, upload_id: UUID) -> None:
        while True:
            await asyncio.sleep(_RENEW_S)
            with contextlib.suppress(DependencyUnavailableError):
                async with self._database.transaction() as tx:
                    await usage.renew(tx, upload_id, expires_at=self._clock.now() + _LEASE)

    async def _end(self, upload_id: UUID) -> None:
        try:
            async with self._database.transaction() as tx:
                await usage.close_upload(tx, upload_id)
        except DependencyUnavailableError as error:
            logger.warning("upload.counted_on", extra={"error": str(error)})
