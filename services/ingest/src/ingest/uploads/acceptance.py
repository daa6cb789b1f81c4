"""The one transaction every way in ends in: row, first fact and first work, or none of them."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final, Protocol, TypeAlias, TypeVar
from uuid import UUID

from docyard_common.database import (
    Database,
    Transaction,
    lock_child,
    lock_content,
    lock_document,
)
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
from ingest.tables import contents, document_events, documents, erasure, family, idempotency

logger = logging.getLogger(__name__)

_ATTEMPTS: Final = 3
_FIRST_GENERATION: Final = 1


@dataclass(frozen=True)
class Accepted:
    """The document is Docyard's: it will be processed whatever dies from here on."""

    document_id: UUID  # another one's, when deduplication was asked for and found it
    object_key: str  # where its bytes are: another document's, when that one's are the same


@dataclass(frozen=True)
class Repeated:
    """Another request has used the idempotency key before; nothing was written."""

    earlier: idempotency.Earlier


@dataclass(frozen=True)
class Unwanted:
    """The parent is deleted or cancelled, or this child was deleted: nothing was written."""


Acceptance: TypeAlias = Accepted | Repeated
_Outcome = TypeVar("_Outcome")

Settle: TypeAlias = Callable[[Transaction, Acceptance], Awaitable[None]]
"""What a door writes in the same transaction; raising undoes all of it. Must be idempotent."""


class ChildBytes(Protocol):
    """The bytes of a child, which lie elsewhere until it is clear that they are wanted."""

    async def put(self) -> None:
        """Put them under the child's own key, over what lies there. Takes as long as it takes."""

    async def lie_there(self) -> bool:
        """Whether they still do. Asked with locks held: one short call."""


class Acceptor:
    """Accepts stored files."""

    def __init__(self, *, database: Database, outbox: Outbox, admission: Admission) -> None:
        self._database = database
        self._outbox = outbox
        self._admission = admission

    async def accept(
        self,
        new: NewDocument,
        *,
        claim: IdempotencyClaim | None,
        deduplicate: bool = False,
        settle: Settle | None = None,
    ) -> Acceptance:
        """Commit the document, its DocumentAccepted and its first StageRequested together.

        Equal content of one owner is kept once: when `Accepted.object_key` is not *new*'s, the
        caller takes its own bytes away. With *deduplicate* a living document of the same content
        and options stands for this one, and nothing is written but what *settle* writes.

        Idempotent by the document's id. Raises StorageQuotaExceededError or
        DocumentQuotaExceededError with nothing written, DependencyUnavailableError when nothing
        was written for sure, and AcceptanceUncertainError when the connection broke during the
        commit and stayed away: the bytes must not be removed then.
        """

        async def write(tx: Transaction) -> Acceptance:
            await lock_document(tx, new.document_id)
            outcome = await self._decide(tx, new, claim, deduplicate=deduplicate)
            if settle is not None:
                await settle(tx, outcome)
            return outcome

        return await self._until_certain(write)

    async def accept_child(self, new: NewDocument, stored: ChildBytes) -> Accepted | Unwanted:
        """Accept what was found inside another document, while that one wants it.

        The bytes are put in place between two transactions, unless equal content is kept already:
        no lock is held as long as that takes. Until the commit nobody needs them, and who removes
        what nobody needs has the child's lock: so the second transaction looks whether they are
        there. After Unwanted, a refusal, or where `Accepted.object_key` is not *new*'s, the caller
        takes them away. Otherwise as `accept`.
        """
        for filled in (False, *[True] * _ATTEMPTS):
            if filled:
                await stored.put()
            outcome = await self._until_certain(self._writing_child(new, stored, filled=filled))
            if outcome is not None:
                return outcome
        raise DependencyUnavailableError("object_store", "what was put there is not there")

    def _writing_child(
        self, new: NewDocument, stored: ChildBytes, *, filled: bool
    ) -> Callable[[Transaction], Awaitable[Accepted | Unwanted | None]]:
        """Return what writes the child, or finds that its bytes are to be put in place first."""

        async def write(tx: Transaction) -> Accepted | Unwanted | None:
            if new.lineage is None or not await _is_wanted(tx, new, new.lineage.parent_id):
                return Unwanted()
            there = await documents.find(tx, new.document_id, owner=new.owner)
            if there is not None:
                return Accepted(new.document_id, there.object_key)
            await lock_content(tx, new.owner, new.sha256)
            shared = await _shared(tx, new)
            if shared is None and not (filled and await stored.lie_there()):
                return None
            return await self._write(tx, new, shared)

        return write

    async def _until_certain(self, write: Callable[[Transaction], Awaitable[_Outcome]]) -> _Outcome:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return await self._commit(write)
            except AcceptanceUncertainError:
                # Run again, it finds the row or writes it: the lock waits for a commit under way.
                logger.warning("acceptance.uncertain", extra={"attempt": attempt})
        raise AcceptanceUncertainError("database", "the connection broke during the commit")

    async def _commit(self, write: Callable[[Transaction], Awaitable[_Outcome]]) -> _Outcome:
        complete = False
        try:
            async with self._database.transaction() as tx:
                outcome = await write(tx)
                complete = True
        except DependencyUnavailableError as error:
            if complete:
                raise AcceptanceUncertainError(error.dependency, str(error)) from error
            raise
        return outcome

    async def _decide(
        self,
        tx: Transaction,
        new: NewDocument,
        claim: IdempotencyClaim | None,
        *,
        deduplicate: bool,
    ) -> Acceptance:
        if claim is not None:
            earlier = await idempotency.claim(
                tx, claim, document_id=new.document_id, at=new.accepted_at
            )
            if earlier is not None and earlier.document_id != new.document_id:
                return Repeated(earlier)
        await lock_content(tx, new.owner, new.sha256)
        if deduplicate:
            twin = await contents.twin(tx, owner=new.owner, sha256=new.sha256, options=new.options)
            if twin is not None:
                return Accepted(*twin)
        return await self._write(tx, new, await _shared(tx, new))

    async def _write(self, tx: Transaction, new: NewDocument, shared: str | None) -> Accepted:
        if shared is not None:
            new = replace(new, stored_under=shared)
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
        return Accepted(new.document_id, new.object_key)


async def _shared(tx: Transaction, new: NewDocument) -> str | None:
    """Return where the same bytes are kept already; asked under the content's lock."""
    return await contents.stored_under(
        tx, owner=new.owner, sha256=new.sha256, size_bytes=new.size_bytes
    )


async def _is_wanted(tx: Transaction, new: NewDocument, parent_id: UUID) -> bool:
    """Whether a child may come: its parent can not be deleted or cancelled until the commit."""
    await lock_child(tx, new.document_id, parent_id=parent_id)
    if await erasure.was_erased(tx, new.document_id, owner=new.owner):
        return False
    return await family.takes_children(
        tx, parent_id, owner=new.owner, generation=new.found_in_generation
    )


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
        parent_id=new.lineage.parent_id if new.lineage else None,
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
        lineage=new.lineage,
    )
