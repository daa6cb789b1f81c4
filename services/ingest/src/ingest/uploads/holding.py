"""A lease on an upload that is kept while a block runs: whoever is killed loses it in time."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Final
from uuid import UUID

from docyard_common.database import Database
from docyard_common.errors import DependencyUnavailableError
from ingest.tables import uploads

logger = logging.getLogger(__name__)

_RENEW_S: Final = uploads.LEASE_S / 3


@contextlib.asynccontextmanager
async def renewed(database: Database, upload_id: UUID, *, holder: UUID) -> AsyncIterator[None]:
    """Renew the lease of *holder* while the block runs; every write is guarded by it anyway."""
    renewing = asyncio.create_task(_renew(database, upload_id, holder))
    try:
        yield
    finally:
        renewing.cancel()
        await asyncio.gather(renewing, return_exceptions=True)


async def _renew(database: Database, upload_id: UUID, holder: UUID) -> None:
    while True:
        await asyncio.sleep(_RENEW_S)
        try:
            async with database.transaction() as tx:
                if not await uploads.renew(tx, upload_id, holder=holder):
                    return
        except DependencyUnavailableError as error:
            logger.warning("upload.renewal_failed", extra={"error": str(error)})
