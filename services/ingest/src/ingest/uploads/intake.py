"""One file of a form on its way to a document: stored, accepted, or nothing is left of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from docyard_common.artifacts import original_key
from docyard_common.clock import Clock
from docyard_common.database import Database
from docyard_common.ids import uuid7
from docyard_common.media_types import MediaType
from docyard_common.observability import metrics
from docyard_common.storage import ObjectStore
from ingest.document import IdempotencyClaim, NewDocument
from ingest.errors import AcceptanceUncertainError
from ingest.tables import idempotency
from ingest.uploads.acceptance import Accepted, Acceptor, Repeated, Settle
from ingest.uploads.reception import ReceivedFile, Reception
from ingest.uploads.transfer import HashOnly, Sink, Transfer, TransferLimits


@dataclass(frozen=True)
class FileOrder:
    """Whose file comes, by which call, and under which idempotency key."""

    owner: str
    route: str
    key: str | None = None


@dataclass(frozen=True)
class Receipt:
    """What the client hears: which document, and whether an earlier request has made it."""

    document_id: UUID
    repeated: bool = False


class FileIntake:
    """Opens files. Safe to share between tasks."""

    def __init__(
        self,
        *,
        store: ObjectStore,
        database: Database,
        acceptor: Acceptor,
        clock: Clock,
        transfers: TransferLimits,
    ) -> None:
        self._store = store
        self._database = database
        self._acceptor = acceptor
        self._clock = clock
        self._transfers = transfers

    async def begin(self, order: FileOrder, *, max_file_bytes: int) -> "IncomingFile":
        """Return what takes the file's form events; nothing is stored yet.

        Raises DependencyUnavailableError: no byte moves while the database is away.
        """
        async with self._database.transaction() as tx:
            earlier = await idempotency.find(
                tx, owner=order.owner, route=order.route, key=order.key or ""
            )
        document_id = uuid7()
        reception = Reception(
            open_sink=partial(self._sink, document_id, earlier), max_file_bytes=max_file_bytes
        )
        return IncomingFile(self, document_id, order, earlier, reception)

    async def accept(
        self,
        order: FileOrder,
        document_id: UUID,
        received: ReceivedFile,
        claim: IdempotencyClaim | None,
        settle: Settle | None,
    ) -> Accepted | Repeated:
        """Commit the document, as `Acceptor.accept` does."""
        new = NewDocument(
            document_id=document_id,
            owner=order.owner,
            filename=received.filename,
            content_type=received.content_type.value,
            size_bytes=received.stored.size_bytes,
            sha256=received.stored.sha256,
            priority=received.fields.priority,
            options=received.fields.options,
            metadata=received.fields.metadata,
            accepted_at=self._clock.now(),
        )
        return await self._acceptor.accept(new, claim=claim, settle=settle)

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


class IncomingFile:
    """A file that is on its way; ends by `finish` or `discard`."""

    def __init__(
        self,
        intake: FileIntake,
        document_id: UUID,
        order: FileOrder,
        earlier: idempotency.Earlier | None,
        reception: Reception,
    ) -> None:
        self._intake = intake
        self._document_id = document_id
        self._order = order
        self._earlier = earlier
        self.reception = reception

    async def finish(
        self, *, settle: Settle | None = None, beside: Mapping[str, object] | None = None
    ) -> Receipt:
        """Make the file durable and accept it, together with what *settle* writes.

        *beside* is what a repeat under the same key must have in common beside the file.
        Raises what `Reception.finish` and `Acceptor.accept` raise, and IdempotencyKeyReusedError;
        the caller discards then, unless it is AcceptanceUncertainError. A kill -9 before the
        commit leaves bytes that the sweep removes; after it, a document.
        """
        received = await self.reception.finish()
        fingerprint = received.fingerprint(beside or {})
        if self._earlier is not None:
            return _repeat(self._earlier, fingerprint)
        claim = _claim(self._order, fingerprint)
        match await self._intake.accept(self._order, self._document_id, received, claim, settle):
            case Accepted(object_key=object_key):
                if object_key != original_key(self._document_id):
                    # The owner has these bytes already: one object is enough.
                    await self.reception.discard()
                metrics.UPLOAD_SIZE.observe(received.stored.size_bytes)
                return Receipt(self._document_id)
            case Repeated(earlier):
                # A twin was faster: its document stands, these bytes go.
                await self.reception.discard()
                return _repeat(earlier, fingerprint)

    async def discard(self, error: BaseException) -> None:
        """Leave nothing behind, unless *error* leaves open whether the document is accepted."""
        if not isinstance(error, AcceptanceUncertainError):
            await self.reception.discard()


def _claim(order: FileOrder, fingerprint: str) -> IdempotencyClaim | None:
    if order.key is None:
        return None
    return IdempotencyClaim(order.owner, order.route, order.key, fingerprint)


def _repeat(earlier: idempotency.Earlier, fingerprint: str) -> Receipt:
    """Return the first answer again. Raises IdempotencyKeyReusedError for another body."""
    earlier.require(fingerprint)
    return Receipt(earlier.document_id, repeated=True)
