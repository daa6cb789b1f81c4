"""The one transaction every way in ends in: row, first fact and first work, or none of them."""

import logging
from dataclasses import dataclass
from typing import Final, TypeAlias
from uuid import UUID

from docyard_common.database import Database, Transaction, lock_document
from docyard_common.errors import DependencyUnavailableError
from docyard_common.events import sequence, topics
from docyard_common.events.documents import DocumentAccepted
from docyard_common.events.progress import advance
from docyard_common.events.stages import Stage
from docyard_common.events.work import StageRequested
from docyard_common.outbox import Outbox
from ingest.document import IdempotencyClaim, NewDocument
from ingest.errors import AcceptanceUncertainError
from ingest.limits.admission import Admission
from ingest.tables import document_events, documents, idempotency

logger = logging.getLogger(__name__)

_ATTEMPTS: Final = 3
_FIRST_GENERATION: Final = 1


@dataclass(frozen=True)
class Accepted:
    """The document is Docyard's: it will be processed whatever dies from here on."""

    document_id: UUID


@dataclass(frozen=True)
class Repeated:
    """Another request has used the idempotency key before; nothing was written."""

    earlier: idempotency.Earlier


Acceptance: TypeAlias = Accepted | Repeated


class Acceptor:
    """Accepts stored files."""

    def __init__(self, *, database: Database, outbox: Outbox, admission: Admission) -> None:
        self._database = database
        self._outbox = outbox
        self._admission = admission

    async def accept(self, new: NewDocument, *, claim: IdempotencyClaim | None) -> Acceptance:
        """Commit the document, its DocumentAccepted and its first StageRequested together.

        Idempotent by the document's id. Raises StorageQuotaExceededError or
        DocumentQuotaExceededError with nothing written, DependencyUnavailableError when nothing
        was written for sure, and AcceptanceUncertainError when the connection broke during the
        commit and stayed away: the bytes must not be removed then.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return await self._commit(new, claim)
            except AcceptanceUncertainError:
                # Run again, it finds the row or writes it: the lock waits for a commit under way.
                logger.warning("acceptance.uncertain", extra={"attempt": attempt})
        raise AcceptanceUncertainError("database", "the connection broke during the commit")

    async def _commit(self, new: NewDocument, claim: IdempotencyClaim | None) -> Acceptance:
        complete = False
        try:
            async with self._database.transaction() as tx:
                outcome = await self._write(tx, new, claim)
                complete = True
        except DependencyUnavailableError as error:
            if complete:
                raise AcceptanceUncertainError(error.dependency, str(error)) from error
            raise
        return outcome

    async def _write(
        self, tx: Transaction, new: NewDocument, claim: IdempotencyClaim | None
    ) -> Acceptance:
        await lock_document(tx, new.document_id)
        if claim is not None:
            earlier = await idempotency.claim(
                tx, claim, document_id=new.document_id, at=new.accepted_at
            )
            if earlier is not None and earlier.document_id != new.document_id:
                return Repeated(earlier)
        fact = _accepted(new)
        if await documents.insert(tx, new, message=advance(None, fact).message):
            await document_events.append(tx, [fact])
            work = _requested(new)
            await self._outbox.add(
                tx,
                self._outbox.record(topics.EVENTS, fact),
                self._outbox.record(topics.work(work.stage, work.priority), work),
            )
            await self._admission.confirm(tx, new.owner)
        return Accepted(new.document_id)


def _accepted(new: NewDocument) -> DocumentAccepted:
    return DocumentAccepted(
        document_id=new.document_id,
        owner=new.owner,
        generation=0,
        seq=sequence.ACCEPTED,
        filename=new.filename,
        content_type=new.content_type,
        size_bytes=new.size_bytes,
        sha256=new.sha256,
        object_key=new.object_key,
        priority=new.priority,
        accepted_at=new.accepted_at,
        metadata=new.metadata,
    )


def _requested(new: NewDocument) -> StageRequested:
    return StageRequested(
        document_id=new.document_id,
        owner=new.owner,
        generation=_FIRST_GENERATION,
        seq=sequence.position(generation=_FIRST_GENERATION, stage=Stage.VALIDATE, fence=0, tick=0),
        stage=Stage.VALIDATE,
        priority=new.priority,
        filename=new.filename,
        content_type=new.content_type,
        size_bytes=new.size_bytes,
        sha256=new.sha256,
        object_key=new.object_key,
        accepted_at=new.accepted_at,
        options=new.options,
    )
