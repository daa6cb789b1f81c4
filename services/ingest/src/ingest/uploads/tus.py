"""Uploads of tus clients: appended to until they are whole, and then a document by themselves.

The protocol knows no request that completes an upload. Whoever sees it whole completes it: the
request with its last byte, a later HEAD, or whoever looks for such uploads.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from docyard_common.database import Database
from docyard_common.errors import DependencyUnavailableError, PermanentError
from ingest.errors import RefusedError, UploadConcatenatedError
from ingest.tables import tus_uploads
from ingest.tables.tus_uploads import Said
from ingest.upload import Announcement, Upload, UploadMode, UploadState
from ingest.uploads.appending import Appender
from ingest.uploads.checksums import Checksum
from ingest.uploads.completion import Completer
from ingest.uploads.desk import UploadDesk
from ingest.uploads.sessions import Opened, UploadSessions, noted_progress
from ingest.uploads.standing import not_found, require_unfinished

logger = logging.getLogger(__name__)

MODES: Final = frozenset({UploadMode.TUS, UploadMode.TUS_PARTIAL})
_FINAL: Final = "final;"
_BATCH: Final = 100
_PAUSE_S: Final = 30.0


@dataclass(frozen=True)
class TusUpload:
    """An upload as its client sees it."""

    upload: Upload
    offset: int
    said: Said

    @property
    def is_whole(self) -> bool:
        return self.offset == self.upload.announced.size_bytes


class TusUploads:
    """Creates, finds, extends and ends the uploads of one owner at a time, on any replica."""

    def __init__(
        self,
        *,
        desk: UploadDesk,
        sessions: UploadSessions,
        appender: Appender,
        completer: Completer,
    ) -> None:
        self._database = desk.database
        self._clock = desk.clock
        self._sessions = sessions
        self._appender = appender
        self._completer = completer

    async def create(self, announced: Announcement, said: Said) -> TusUpload:
        """Open an upload. Raises what `UploadSessions.open` does: nothing is stored then.

        A kill between the two commits leaves an upload that only does not repeat its metadata.
        """
        opened = await self._sessions.open(announced)
        assert isinstance(opened, Opened)  # noqa: S101 - tus uploads ask for no twin
        async with self._database.transaction() as tx:
            await tus_uploads.insert(tx, opened.upload.upload_id, said)
        return TusUpload(opened.upload, 0, said)

    async def read(self, upload_id: UUID, *, owner: str) -> TusUpload:
        """Return how far the upload is, and complete it if it is whole.

        Raises UploadNotFoundError, what `require_unfinished` does for uploads that ended without
        a document, and what `Completer.complete` does.
        """
        found = await self._found(upload_id, owner)
        if found.upload.state is UploadState.COMPLETED:
            return found
        require_unfinished(found.upload, now=self._clock.now())
        return await self._completed(found)

    async def append(
        self,
        upload_id: UUID,
        body: AsyncIterator[bytes],
        *,
        owner: str,
        offset: int,
        checksum: Checksum | None = None,
        size_bytes: int | None = None,
    ) -> TusUpload:
        """Append *body* at *offset*; the last byte makes the document.

        *size_bytes* tells a size that was deferred. Raises UploadNotFoundError,
        UploadConcatenatedError for an upload that was made of others, and what
        `Appender.append`, `Appender.declare_size` and `Completer.complete` do. A kill after the
        last byte leaves a whole upload: the client's HEAD or `WholeUploads` makes it a document.
        """
        found = await self._found(upload_id, owner)
        if (found.said.concat or "").startswith(_FINAL):
            raise UploadConcatenatedError("The upload is made of others; nothing can be added.")
        if size_bytes is not None:
            await self._appender.declare_size(upload_id, owner=owner, size_bytes=size_bytes)
        await self._appender.append(upload_id, body, owner=owner, offset=offset, checksum=checksum)
        return await self._completed(await self._found(upload_id, owner))

    async def terminate(self, upload_id: UUID, *, owner: str) -> None:
        """End the upload and free its bytes. Idempotent; raises as `UploadSessions.cancel`."""
        await self._found(upload_id, owner)
        await self._sessions.cancel(upload_id, owner=owner)

    async def _found(self, upload_id: UUID, owner: str) -> TusUpload:
        async with self._database.transaction() as tx:
            progress = await noted_progress(tx, upload_id, owner=owner)
            said = await tus_uploads.find(tx, upload_id)
        if progress.upload.announced.mode not in MODES:
            raise not_found()
        return TusUpload(progress.upload, progress.received_bytes, said)

    async def _completed(self, found: TusUpload) -> TusUpload:
        """Return *found* as it stands once it is a document, if it can be one."""
        said = found.upload.announced
        if not found.is_whole or said.mode is UploadMode.TUS_PARTIAL:
            return found
        await self._completer.complete(found.upload.upload_id, owner=said.owner)
        return await self._found(found.upload.upload_id, said.owner)


class WholeUploads:
    """Completes tus uploads whose client never heard that its last byte had come."""

    def __init__(self, *, database: Database, completer: Completer) -> None:
        self._database = database
        self._completer = completer

    async def run(self) -> None:
        """Look every half minute, for as long as the service runs."""
        while True:
            try:
                await self.complete()
            except DependencyUnavailableError as error:
                logger.warning("uploads.completing_postponed", extra={"error": str(error)})
            await asyncio.sleep(_PAUSE_S)

    async def complete(self) -> int:
        """Look once; return how many became documents. Idempotent, safe in several replicas.

        Raises DependencyUnavailableError. One that is refused ends, as it would have for its
        client; one that is over a quota, or fails as nobody has foreseen, stays until it expires:
        it must not stop the others.
        """
        async with self._database.transaction() as tx:
            found = await tus_uploads.whole(tx, limit=_BATCH)
        done = 0
        for upload_id, owner in found:
            try:
                await self._completer.complete(upload_id, owner=owner)
            except DependencyUnavailableError:
                raise
            except (RefusedError, PermanentError) as error:
                logger.info("upload.not_completed", extra={"error": type(error).__name__})
            except Exception:
                logger.exception("upload.not_completed", extra={"upload_id": str(upload_id)})
            else:
                done += 1
        return done
