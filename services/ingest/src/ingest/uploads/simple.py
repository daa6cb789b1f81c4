"""The simple upload: one form, one file, streamed to the store and accepted."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from typing import Final
from uuid import UUID

from docyard_common.artifacts import original_key
from docyard_common.clock import Clock
from docyard_common.database import Database
from docyard_common.ids import uuid7
from docyard_common.media_types import MediaType
from docyard_common.observability import metrics
from docyard_common.storage import ObjectStore
from ingest.document import IdempotencyClaim, NewDocument
from ingest.errors import (
    AcceptanceUncertainError,
    IdempotencyKeyReusedError,
    OverloadedError,
)
from ingest.settings import LimitSettings, UploadSettings
from ingest.tables import idempotency
from ingest.uploads.acceptance import Accepted, Acceptor, Repeated
from ingest.uploads.body import watched
from ingest.uploads.fields import field_limits
from ingest.uploads.form import FormReader
from ingest.uploads.reception import ReceivedFile, Reception, too_large
from ingest.uploads.transfer import HashOnly, Sink, Transfer, TransferLimits

ROUTE: Final = "upload/simple"
_FORM_OVERHEAD_BYTES: Final = 1024 * 1024
"""What delimiters, headers and the other fields may add to the file."""


@dataclass(frozen=True)
class IncomingUpload:
    """A request whose body has not been read yet."""

    owner: str
    boundary: str
    body: AsyncIterator[bytes]  # raises UploadAbandonedError when the client goes
    declared_bytes: int | None = None  # Content-Length: a hint that may lie
    idempotency_key: str | None = None


@dataclass(frozen=True)
class Receipt:
    """What the client hears: which document, and whether an earlier request has made it."""

    document_id: UUID
    repeated: bool = False


class SimpleUpload:
    """Receives forms. Whatever goes wrong, either the document is accepted or nothing is left."""

    def __init__(
        self,
        *,
        store: ObjectStore,
        database: Database,
        acceptor: Acceptor,
        clock: Clock,
        limits: LimitSettings,
        uploads: UploadSettings,
    ) -> None:
        self._store = store
        self._database = database
        self._acceptor = acceptor
        self._clock = clock
        self._limits = limits
        self._uploads = uploads
        self._slots = asyncio.Semaphore(uploads.concurrent)
        self._transfers = TransferLimits(
            uploads.part_bytes,
            uploads.parts_in_flight,
            asyncio.Semaphore(uploads.stores_in_flight),
        )

    async def receive(self, upload: IncomingUpload) -> Receipt:
        """Read the body to its end and accept the document.

        Raises RefusedError, the errors of `media_types.sniff`, or DependencyUnavailableError. A
        kill -9 before the commit leaves bytes that the sweep removes; after it, a document.
        """
        allowed = self._limits.max_file_bytes + _FORM_OVERHEAD_BYTES
        if upload.declared_bytes is not None and upload.declared_bytes > allowed:
            raise too_large(self._limits.max_file_bytes)
        async with self._slot():
            # Asked first even without a key: no byte moves while the database is away.
            earlier = await self._earlier(upload)
            return await self._receive(upload, earlier)

    async def _receive(
        self, upload: IncomingUpload, earlier: idempotency.Earlier | None
    ) -> Receipt:
        document_id = uuid7()
        reception = Reception(
            open_sink=partial(self._sink, document_id, earlier),
            max_file_bytes=self._limits.max_file_bytes,
        )
        try:
            await self._read(upload, reception)
            received = await reception.finish()
            if earlier is not None:
                return _repeat(earlier, received)
            return await self._accept(upload, document_id, received, reception)
        except AcceptanceUncertainError:
            raise
        except BaseException:
            await reception.discard()
            raise

    async def _accept(
        self,
        upload: IncomingUpload,
        document_id: UUID,
        received: ReceivedFile,
        reception: Reception,
    ) -> Receipt:
        outcome = await self._acceptor.accept(
            self._new(upload, document_id, received), claim=_claim(upload, received)
        )
        match outcome:
            case Accepted():
                metrics.UPLOAD_SIZE.observe(received.stored.size_bytes)
                return Receipt(document_id)
            case Repeated(earlier):
                # A twin was faster: its document stands, these bytes go.
                await reception.discard()
                return _repeat(earlier, received)

    async def _read(self, upload: IncomingUpload, reception: Reception) -> None:
        known = field_limits(max_json_bytes=self._limits.max_metadata_bytes)
        reader = FormReader(upload.boundary, fields=known)
        allowed = self._limits.max_file_bytes + _FORM_OVERHEAD_BYTES
        async for chunk in watched(upload.body, idle_timeout_s=self._uploads.idle_timeout_s):
            allowed -= len(chunk)
            if allowed < 0:
                raise too_large(self._limits.max_file_bytes)
            for event in reader.feed(chunk):
                await reception.take(event)
        reader.close()

    @contextlib.asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._uploads.slot_wait_s):
                await self._slots.acquire()
        except TimeoutError as error:
            raise OverloadedError("Too many uploads are under way; try again soon.") from error
        try:
            yield
        finally:
            self._slots.release()

    async def _earlier(self, upload: IncomingUpload) -> idempotency.Earlier | None:
        async with self._database.transaction() as tx:
            return await idempotency.find(
                tx, owner=upload.owner, route=ROUTE, key=upload.idempotency_key or ""
            )

    def _sink(
        self, document_id: UUID, earlier: idempotency.Earlier | None, kind: MediaType
    ) -> Sink:
        if earlier is not None:
            return HashOnly()
        return Transfer(
            self._store,
            original_key(document_id),
            content_type=kind.value,
            limits=self._transfers,
        )

    def _new(
        self, upload: IncomingUpload, document_id: UUID, received: ReceivedFile
    ) -> NewDocument:
        return NewDocument(
            document_id=document_id,
            owner=upload.owner,
            filename=received.filename,
            content_type=received.content_type.value,
            size_bytes=received.stored.size_bytes,
            sha256=received.stored.sha256,
            priority=received.fields.priority,
            options=received.fields.options,
            metadata=received.fields.metadata,
            accepted_at=self._clock.now(),
        )


def _claim(upload: IncomingUpload, received: ReceivedFile) -> IdempotencyClaim | None:
    if upload.idempotency_key is None:
        return None
    return IdempotencyClaim(upload.owner, ROUTE, upload.idempotency_key, received.fingerprint)


def _repeat(earlier: idempotency.Earlier, received: ReceivedFile) -> Receipt:
    """Return the first answer again. Raises IdempotencyKeyReusedError for another body."""
    if earlier.fingerprint != received.fingerprint:
        raise IdempotencyKeyReusedError(
            "This Idempotency-Key was used with another body before; use a new key."
        )
    return Receipt(earlier.document_id, repeated=True)
