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

PAGES: Final = 10
"""Pages that a sweep looks at: of each upload the store is asked, and other sweeping waits."""
_PAGE: Final = 100


class Arrivals:
    """Completes as `complete` does: whoever comes first does it, the others find it done."""

    def __init__(
        self, *, desk: UploadDesk, completer: Completer, after_s: float, pages: int = PAGES
    ) -> None:
        self._database = desk.database
        self._store = desk.store
        self._clock = desk.clock
        self._completer = completer
        self._after = timedelta(seconds=after_s)
        self._leftovers = desk.leftovers
        self._pages = pages
        self._seen: Upload | None = None  # the last one that a sweep has looked at

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

        Looks at so many pages of those that wait; the next sweep goes on behind them, and after
        the last one begins anew. Raises DependencyUnavailableError.
        """
        finished = 0
        for _ in range(self._pages):
            page = await self._next()
            for upload in page:
                finished += await self._finish_whole(upload)
            self._seen = page[-1] if len(page) == _PAGE else None
            if self._seen is None:
                break
        return finished

    async def _next(self) -> list[Upload]:
        before = self._clock.now() - self._after
        async with self._database.transaction() as tx:
            return await uploads.presigned(tx, before=before, behind=self._seen, limit=_PAGE)

    async def _finish_whole(self, upload: Upload) -> bool:
        parts = await arrived(self._store, upload)
        is_whole = len(parts) == upload.total_parts or (parts and upload.multipart_id is None)
        return bool(is_whole) and await self._finish(upload)

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
