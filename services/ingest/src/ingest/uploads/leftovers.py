"""Takes what an ended upload left in the store away."""

import logging

from docyard_common.database import Database
from docyard_common.errors import DependencyUnavailableError
from docyard_common.storage import ObjectStore
from ingest.tables import uploads
from ingest.upload import Upload

logger = logging.getLogger(__name__)


class Leftovers:
    """Removes multipart, tail and object of uploads that have ended; idempotent."""

    def __init__(self, *, database: Database, store: ObjectStore) -> None:
        self._database = database
        self._store = store

    async def clear(self, upload: Upload) -> None:
        """Remove all that no document lives on. Raises DependencyUnavailableError.

        A crash on the way leaves the rest to the sweep: the row says so until all is gone.
        """
        async with self._database.transaction() as tx:
            kept = await uploads.keeps_object(tx, upload.upload_id)
        if upload.multipart_id is not None and not kept:
            await self._store.abort_multipart(upload.object_key, upload.multipart_id)
        await self._store.delete_prefix(tails_prefix(upload))
        if not kept:
            await self._store.delete(upload.object_key)
        async with self._database.transaction() as tx:
            await uploads.cleared(tx, upload.upload_id)

    async def clear_soon(self, upload: Upload) -> None:
        """Clear at once if the store lets us; otherwise the sweep does."""
        try:
            await self.clear(upload)
        except DependencyUnavailableError as error:
            logger.warning("upload.clear_postponed", extra={"error": str(error)})


def tails_prefix(upload: Upload) -> str:
    """Prefix of the objects in which bytes wait until they make a whole part."""
    return f"incomplete/{upload.upload_id}/"
