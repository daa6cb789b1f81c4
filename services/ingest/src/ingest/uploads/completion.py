"""The end of an upload in several requests: joined, read once through, and accepted."""

import asyncio
import logging
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from docyard_common.database import Transaction
from docyard_common.errors import (
    DependencyUnavailableError,
    ObjectMissingError,
    PermanentError,
    SupersededError,
)
from docyard_common.ids import uuid7
from docyard_common.media_types import HEAD_BYTES, sniff
from docyard_common.observability import metrics
from docyard_common.storage import ObjectDigest
from ingest.document import NewDocument
from ingest.errors import (
    DocumentQuotaExceededError,
    FileHashMismatchError,
    FileSizeMismatchError,
    PartsMissingError,
    RefusedError,
    StorageQuotaExceededError,
    UploadBusyError,
)
from ingest.tables import uploads
from ingest.upload import Upload, UploadMode, UploadState
from ingest.uploads.acceptance import Acceptance, Accepted, Acceptor, Settle
from ingest.uploads.assembly import Assembler, missing_parts
from ingest.uploads.desk import UploadDesk
from ingest.uploads.holding import renewed
from ingest.uploads.sessions import UploadSessions
from ingest.uploads.standing import not_found, require_unfinished

logger = logging.getLogger(__name__)

_POLL_S: Final = 0.05
_MAY_SUCCEED_LATER: Final = (
    PartsMissingError,
    DocumentQuotaExceededError,
    StorageQuotaExceededError,
    DependencyUnavailableError,
)


@dataclass(frozen=True)
class Completion:
    """What an upload has become."""

    document_id: UUID
    duplicate: bool  # a document of this content was there already and stands for it
    repeated: bool  # an earlier request has completed it


class Completer:
    """Completes uploads: of all who try at once, one does it, and all hear the same."""

    def __init__(self, *, desk: UploadDesk, sessions: UploadSessions, acceptor: Acceptor) -> None:
        self._sessions = sessions
        self._acceptor = acceptor
        self._database = desk.database
        self._store = desk.store
        self._clock = desk.clock
        self._settings = desk.settings
        self._admission = desk.admission
        self._hash_ahead = desk.hash_ahead
        self._assembler = Assembler(database=desk.database, store=desk.store)
        self._leftovers = desk.leftovers

    async def complete(
        self, upload_id: UUID, *, owner: str, wait_s: float | None = None
    ) -> Completion:
        """Make a document of the upload; idempotent.

        While another request is at it, waits for how that one ends: *wait_s*, by default
        `UPLOADS__COMPLETE_WAIT_S`.

        Raises UploadNotFoundError, UploadExpiredError, UploadEndedError or UploadBusyError. The
        upload stays open after PartsMissingError, StorageQuotaExceededError,
        DocumentQuotaExceededError and DependencyUnavailableError: ask again. Content that is not
        what was announced ends it: FileSizeMismatchError, FileHashMismatchError or the errors of
        `media_types.sniff`.

        A kill -9 at any point leaves an upload that can be completed again once its lease is over.
        """
        holder = uuid7()
        patience_s = self._settings.complete_wait_s if wait_s is None else wait_s
        earlier = await self._claimed(upload_id, owner, holder, patience_s)
        if earlier is not None:
            return earlier
        # Read behind the claim: from there on nobody changes its parts.
        upload = await self._sessions.find(upload_id, owner=owner)
        async with renewed(self._database, upload_id, holder=holder):
            try:
                return await self._finish(upload, holder)
            except _MAY_SUCCEED_LATER:
                await self._release(upload_id, holder)
                raise
            except SupersededError as error:
                raise UploadBusyError("The upload is being completed; ask again soon.") from error
            except (RefusedError, PermanentError) as error:
                await self._refuse(upload, holder, error)
                raise

    async def _claimed(
        self, upload_id: UUID, owner: str, holder: UUID, wait_s: float
    ) -> Completion | None:
        """Take the upload, or wait for how another request ends it."""
        deadline = asyncio.get_running_loop().time() + wait_s
        while True:
            upload = await self._sessions.find(upload_id, owner=owner)
            if upload.state is UploadState.COMPLETED and upload.result_id is not None:
                return Completion(upload.result_id, upload.is_duplicate, repeated=True)
            if upload.announced.mode is UploadMode.TUS_PARTIAL:
                raise not_found()
            require_unfinished(upload, now=self._clock.now())
            async with self._database.transaction() as tx:
                if await uploads.claim(tx, upload_id, holder=holder):
                    return None
            if asyncio.get_running_loop().time() >= deadline:
                raise UploadBusyError("The upload is being completed; ask again soon.")
            await asyncio.sleep(_POLL_S)

    async def _finish(self, upload: Upload, holder: UUID) -> Completion:
        parts = await self._assembler.assemble(upload)
        try:
            found = await self._store.digest(
                upload.object_key,
                head_bytes=HEAD_BYTES,
                after=await self._hash_ahead.prefix(upload.upload_id, parts),
            )
        except ObjectMissingError as error:
            raise missing_parts([1]) from error
        new = self._judged(upload, found)
        outcome = await self._acceptor.accept(
            new,
            claim=None,
            deduplicate=upload.announced.sha256 is not None,
            settle=self._settling(upload, holder),
        )
        assert isinstance(outcome, Accepted)  # noqa: S101 - no key was claimed
        self._hash_ahead.forget(upload.upload_id)
        await self._tidy(upload, outcome)
        metrics.UPLOADS_COMPLETED.labels(upload.announced.mode).inc()
        metrics.UPLOAD_SIZE.observe(found.size_bytes)
        return Completion(
            outcome.document_id, outcome.document_id != upload.document_id, repeated=False
        )

    def _judged(self, upload: Upload, found: ObjectDigest) -> NewDocument:
        """Compare what lies in the store with what was announced."""
        said = upload.announced
        if said.size_bytes is not None and found.size_bytes != said.size_bytes:
            raise FileSizeMismatchError(
                f"The file has {found.size_bytes} bytes, but was announced with {said.size_bytes}."
            )
        if said.sha256 is not None and found.sha256 != said.sha256:
            raise FileHashMismatchError("The file's SHA-256 is not the one that was announced.")
        kind = sniff(found.head, said.filename, said.declared_type)
        return NewDocument(
            document_id=upload.document_id,
            owner=said.owner,
            filename=said.filename,
            content_type=kind.value,
            size_bytes=found.size_bytes,
            sha256=found.sha256,
            priority=said.priority,
            options=said.options,
            metadata=said.metadata,
            accepted_at=self._clock.now(),
            stored_under=upload.object_key,
        )

    def _settling(self, upload: Upload, holder: UUID) -> Settle:
        async def settle(tx: Transaction, outcome: Acceptance) -> None:
            assert isinstance(outcome, Accepted)  # noqa: S101 - no key was claimed
            await self._admission.close_upload(tx, upload.upload_id)
            if not await uploads.complete(
                tx,
                upload.upload_id,
                holder=holder,
                result_id=outcome.document_id,
                keeps_object=_keeps(upload, outcome),
                at=self._clock.now(),
            ):
                raise SupersededError("another request has taken this upload over")

        return settle

    async def _tidy(self, upload: Upload, outcome: Accepted) -> None:
        if upload.tail_key is not None or not _keeps(upload, outcome):
            await self._leftovers.clear_soon(upload)

    async def _refuse(self, upload: Upload, holder: UUID, error: Exception) -> None:
        code = error.code if isinstance(error, RefusedError) else _reason(error)
        async with self._database.transaction() as tx:
            ended = await uploads.end(
                tx,
                upload.upload_id,
                UploadState.REFUSED,
                at=self._clock.now(),
                holder=holder,
                refusal=code,
            )
        if ended:
            metrics.UPLOADS_REJECTED.labels(upload.announced.mode, code).inc()
            await self._leftovers.clear_soon(upload)

    async def _release(self, upload_id: UUID, holder: UUID) -> None:
        try:
            async with self._database.transaction() as tx:
                await uploads.release(tx, upload_id, holder=holder)
        except DependencyUnavailableError as error:
            # The lease ends by itself.
            logger.warning("upload.release_failed", extra={"error": str(error)})


def _keeps(upload: Upload, outcome: Accepted) -> bool:
    """Whether the document lives on the object of this upload."""
    return outcome.object_key == upload.object_key


def _reason(error: Exception) -> str:
    return error.reason.value.upper() if isinstance(error, PermanentError) else "REFUSED"
