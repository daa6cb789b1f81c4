"""Uploads in several requests: opened by one, found by any, ended by one.

Nothing of them is kept in the process: the row says how far they are, the store holds the bytes.
"""

import logging
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from docyard_common.artifacts import PRESIGNED, original_key
from docyard_common.database import Transaction
from docyard_common.errors import DependencyUnavailableError
from docyard_common.ids import uuid7
from docyard_common.media_types import EmptyFileError, foresee
from docyard_common.observability import metrics
from ingest.document import IdempotencyClaim
from ingest.errors import IdempotencyKeyReusedError, UploadBusyError
from ingest.tables import contents, idempotency, upload_parts, uploads
from ingest.upload import Announcement, Part, Upload, UploadMode, UploadState
from ingest.uploads.arrived import arrived
from ingest.uploads.desk import UploadDesk
from ingest.uploads.sizing import MAX_PARTS, MAX_PRESIGNED_PARTS, part_bytes_for
from ingest.uploads.standing import not_found, require_unfinished

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Known:
    """The owner has a document of this content: no byte needs to move."""

    document_id: UUID


@dataclass(frozen=True)
class Opened:
    """An upload that parts may be sent to."""

    upload: Upload
    repeated: bool = False  # an earlier request under the same idempotency key has opened it


@dataclass(frozen=True)
class Progress:
    """How far an upload is."""

    upload: Upload
    parts: tuple[Part, ...]

    @property
    def received_bytes(self) -> int:
        return sum(part.size_bytes for part in self.parts) + self.upload.tail_bytes


class UploadSessions:
    """Opens, finds and cancels uploads on behalf of their owners."""

    def __init__(self, desk: UploadDesk) -> None:
        self._database = desk.database
        self._store = desk.store
        self._clock = desk.clock
        self._admission = desk.admission
        self._settings = desk.settings
        self._leftovers = desk.leftovers

    async def open(
        self, said: Announcement, *, claim: IdempotencyClaim | None = None
    ) -> Opened | Known:
        """Open an upload, unless its stated content is known.

        Raises FileTooLargeError, StorageQuotaExceededError, DocumentQuotaExceededError,
        TooManyUploadsError, EmptyFileError, UnsupportedTypeError, TypeMismatchError or
        IdempotencyKeyReusedError: nothing is stored then. A crash before the commit leaves an
        empty multipart upload, which the sweep aborts.
        """
        limits = await self._admission.check(said.owner, size_bytes=said.size_bytes)
        self._judge(said)
        async with self._database.transaction() as tx:
            earlier = await _earlier(tx, claim)
            if earlier is not None:
                return Opened(earlier, repeated=True)
            if (twin := await _twin(tx, said)) is not None:
                return Known(twin)
        upload = await self._made(said, largest_file=limits.max_file_bytes)
        try:
            return await self._insert(upload, claim)
        except BaseException:
            await self._abort(upload)
            raise

    async def find(self, upload_id: UUID, *, owner: str) -> Upload:
        """Return the upload of *owner*, however it stands. Raises UploadNotFoundError."""
        async with self._database.autocommit() as tx:
            return await _found(tx, upload_id, owner)

    async def progress(self, upload_id: UUID, *, owner: str) -> Progress:
        """Return how far the upload is. Raises UploadNotFoundError."""
        async with self._database.transaction() as tx:
            noted = await noted_progress(tx, upload_id, owner=owner)
        upload = noted.upload
        if upload.announced.mode is UploadMode.PRESIGNED and not upload.state.is_final:
            return Progress(upload, await arrived(self._store, upload))
        return noted

    async def cancel(self, upload_id: UUID, *, owner: str) -> None:
        """End the upload and free its bytes. Idempotent.

        Raises UploadNotFoundError; UploadCompletedError when it has become a document, and
        UploadBusyError while another request is making it one: that request wins. Bytes that the
        store does not give up at once are left to the sweep.
        """
        async with self._database.transaction() as tx:
            upload = await _found(tx, upload_id, owner)
            ended = await uploads.end(tx, upload_id, UploadState.CANCELLED, at=self._clock.now())
            if not ended:
                # Read again: the statement has waited for whoever ended it.
                upload = await _found(tx, upload_id, owner)
        if ended:
            metrics.UPLOADS_ABORTED.labels(upload.announced.mode).inc()
            await self._leftovers.clear_soon(upload)
        elif upload.state is UploadState.COMPLETED:
            require_unfinished(upload, now=self._clock.now())
        elif not upload.state.is_final:
            raise UploadBusyError("The upload is being completed; it can not be cancelled.")

    @staticmethod
    def _judge(said: Announcement) -> None:
        """Refuse what an empty file, its name or its declared type rule out."""
        if said.size_bytes == 0:
            raise EmptyFileError("The file is empty.")
        if said.mode is not UploadMode.TUS_PARTIAL:
            foresee(said.filename, said.declared_type)

    async def _made(self, said: Announcement, *, largest_file: int) -> Upload:
        now, document_id = self._clock.now(), uuid7()
        presigned = said.mode is UploadMode.PRESIGNED
        upload = Upload(
            upload_id=uuid7(),
            document_id=document_id,
            announced=said,
            state=UploadState.OPEN,
            part_bytes=part_bytes_for(
                said.size_bytes,
                least=self._settings.part_bytes,
                largest_file=largest_file,
                most_parts=MAX_PRESIGNED_PARTS if presigned else MAX_PARTS,
            ),
            object_key=f"{PRESIGNED}{document_id}" if presigned else original_key(document_id),
            multipart_id=None,
            tail_key=None,
            tail_bytes=0,
            created_at=now,
            expires_at=now + timedelta(seconds=self._settings.expire_after_s),
            result_id=None,
            refusal=None,
        )
        return await self._started(upload) if self._comes_in_parts(said) else upload

    def _comes_in_parts(self, said: Announcement) -> bool:
        """Whether parts come in parallel: only the opener can start what they go into."""
        if said.mode is UploadMode.PRESIGNED:
            return (said.size_bytes or 0) > self._settings.presign_parts_above_bytes
        return said.mode is UploadMode.CHUNKED

    async def _started(self, upload: Upload) -> Upload:
        content_type = upload.announced.declared_type or "application/octet-stream"
        multipart_id = await self._store.start_multipart(
            upload.object_key, content_type=content_type
        )
        return replace(upload, multipart_id=multipart_id)

    async def _insert(self, upload: Upload, claim: IdempotencyClaim | None) -> Opened:
        async with self._database.transaction() as tx:
            if claim is not None:
                earlier = await idempotency.claim(
                    tx, claim, document_id=upload.document_id, at=upload.created_at
                )
                if earlier is not None and earlier.document_id != upload.document_id:
                    twin = await _of_claim(tx, earlier, claim)
                    await self._abort(upload)
                    return Opened(twin, repeated=True)
            await uploads.insert(tx, upload)
            await self._admission.open_upload(
                tx,
                upload.upload_id,
                owner=upload.announced.owner,
                size_bytes=upload.announced.size_bytes or 0,
                expires_at=upload.expires_at,
            )
        metrics.UPLOADS_CREATED.labels(upload.announced.mode).inc()
        return Opened(upload)

    async def _abort(self, upload: Upload) -> None:
        if upload.multipart_id is None:
            return
        try:
            await self._store.abort_multipart(upload.object_key, upload.multipart_id)
        except DependencyUnavailableError as error:
            logger.warning("upload.abort_failed", extra={"error": str(error)})


async def noted_progress(tx: Transaction, upload_id: UUID, *, owner: str) -> Progress:
    """Return how far the upload is by what was noted: all there is, but for presigned ones.

    Raises UploadNotFoundError.
    """
    upload = await _found(tx, upload_id, owner)
    return Progress(upload, tuple(await upload_parts.listed(tx, upload_id)))


async def _found(tx: Transaction, upload_id: UUID, owner: str) -> Upload:
    upload = await uploads.find(tx, upload_id, owner=owner)
    if upload is None:
        raise not_found()
    return upload


async def _earlier(tx: Transaction, claim: IdempotencyClaim | None) -> Upload | None:
    if claim is None:
        return None
    found = await idempotency.find(tx, owner=claim.owner, route=claim.route, key=claim.key)
    return None if found is None else await _of_claim(tx, found, claim)


async def _of_claim(
    tx: Transaction, earlier: idempotency.Earlier, claim: IdempotencyClaim
) -> Upload:
    """Return the upload that the key stands for. Raises IdempotencyKeyReusedError."""
    upload = await uploads.find_by(tx, "document_id", earlier.document_id)
    if earlier.fingerprint != claim.fingerprint or upload is None:
        raise IdempotencyKeyReusedError(
            "This Idempotency-Key was used with another body before; use a new key."
        )
    return upload


async def _twin(tx: Transaction, said: Announcement) -> UUID | None:
    # A tus client has to be given an upload: its twin is found when it is completed.
    if said.sha256 is None or said.mode is UploadMode.TUS:
        return None
    twin = await contents.twin(tx, owner=said.owner, sha256=said.sha256, options=said.options)
    return None if twin is None else twin[0]
