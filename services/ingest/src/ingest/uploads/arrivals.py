"""Finishes presigned uploads that nobody completes: the store tells of them, or the sweep looks."""

import logging
from datetime import timedelta
from typing import Final

from docyard_common.errors import PermanentError
from ingest.errors import PartsMissingError, RefusedError
from ingest.tables import uploads
from ingest.upload import Upload
from ingest.uploads.arrived import arrived
from ingest.uploads.completion import Completer
from ingest.uploads.desk import UploadDesk

logger = logging.getLogger(__name__)

_BATCH: Final = 100


class Arrivals:
    """Completes as `complete` does: whoever comes first does it, the others find it done."""

    def __init__(self, *, desk: UploadDesk, completer: Completer, after_s: float) -> None:
        self._database = desk.database
        self._store = desk.store
        self._clock = desk.clock
        self._completer = completer
        self._after = timedelta(seconds=after_s)
        self._leftovers = desk.leftovers

    async def arrived(self, object_key: str) -> None:
        """Finish the upload whose object the store has told of. Idempotent.

        Objects that belong to no upload are left to the sweep. What came for an upload that has
        ended without a document is removed. Raises DependencyUnavailableError.
        """
        async with self._database.transaction() as tx:
            upload = await uploads.find_by(tx, "object_key", object_key)
        if upload is None:
            return
        if upload.state.is_final:
            await self._leftovers.clear(upload)
            return
        await self._finish(upload)

    async def sweep(self) -> int:
        """Finish uploads that are all there and whose event never came; return how many.

        Raises DependencyUnavailableError.
        """
        async with self._database.transaction() as tx:
            waiting = await uploads.presigned(
                tx, before=self._clock.now() - self._after, limit=_BATCH
            )
        finished = 0
        for upload in waiting:
            parts = await arrived(self._store, upload)
            if len(parts) == upload.total_parts or (parts and upload.multipart_id is None):
                finished += await self._finish(upload)
        return finished

    async def _finish(self, upload: Upload) -> bool:
        try:
            await self._completer.complete(upload.upload_id, owner=upload.announced.owner, wait_s=0)
        except PartsMissingError:
            return False
        except (RefusedError, PermanentError) as error:
            # What the content is to blame for has ended the upload; its status says so.
            logger.info(
                "arrival.refused",
                extra={"upload_id": str(upload.upload_id), "error": type(error).__name__},
            )
            return False
        return True
