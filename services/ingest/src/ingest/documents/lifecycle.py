"""What an owner may do to a document: look it up, cancel its work, delete it."""

import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Final
from uuid import UUID

from docyard_common.artifacts import document_prefix
from docyard_common.clock import Clock
from docyard_common.database import Database, Transaction, lock_content, lock_document
from docyard_common.errors import DependencyUnavailableError
from docyard_common.events import sequence, topics
from docyard_common.events.documents import DocumentDeleted
from docyard_common.events.stages import DocumentState
from docyard_common.events.work import CancelRequested, RemovalRequested
from docyard_common.outbox import Outbox
from docyard_common.storage import ObjectStore
from ingest.document import Document
from ingest.documents.family import Family
from ingest.errors import AlreadyTerminalError, DocumentNotFoundError
from ingest.tables import documents, erasure, family, retention

logger = logging.getLogger(__name__)

_ERASED_AT_ONCE: Final = 50
"""Of the children of a deleted document; the bytes and rows of more go with the next sweep."""

_NOT_FOUND: Final = "There is no such document."


class Lifecycle:
    """Changes documents on behalf of their owners; somebody else's document is not found."""

    def __init__(
        self, *, database: Database, store: ObjectStore, outbox: Outbox, clock: Clock
    ) -> None:
        self._database = database
        self._store = store
        self._outbox = outbox
        self._clock = clock
        self._family = Family(database=database, outbox=outbox, clock=clock)

    async def find(self, document_id: UUID, *, owner: str) -> Document:
        """Return the document of *owner*. Raises DocumentNotFoundError."""
        async with self._database.transaction() as tx:
            return await found(tx, document_id, owner)

    async def visible(self, document_ids: Iterable[UUID], *, owner: str) -> dict[UUID, Document]:
        """Return which of *document_ids* are there and *owner*'s."""
        async with self._database.transaction() as tx:
            found = [await documents.find(tx, each, owner=owner) for each in document_ids]
        return {document.document_id: document for document in found if document is not None}

    async def cancel(self, document_id: UUID, *, owner: str) -> Document:
        """Ask for the end of all work on the document and on what was found inside it.

        The fact follows when it has ended. A second call asks again; a document that has ended may
        have children that have not, or are still to come. Raises DocumentNotFoundError, or
        AlreadyTerminalError when all of it has ended, and in another way. After a kill some
        children go on: ask again.
        """
        document, stopped = await self._cancel(document_id, owner)
        asked = await self._family.cancel(document_id, requested_by=owner)
        state = document.view.state
        if state.is_terminal and state is not DocumentState.CANCELLED and not (asked or stopped):
            raise AlreadyTerminalError(f"The document is {state} already.")
        return document

    async def cancel_below(self, command: CancelRequested) -> None:
        """Do what another service was asked to do to a document to all that is below it.

        Nothing more is found inside that generation. Where a later one was asked for meanwhile,
        nothing is done: the command is older. Idempotent. Raises DocumentNotFoundError.
        """
        document_id = command.document_id
        async with self._database.transaction() as tx:
            await lock_document(tx, document_id)
            document = await found(tx, document_id, command.owner)
            if document.generation > command.generation:
                return
            await family.cancelled(tx, document_id, generation=command.generation)
        await self._family.cancel(document_id, requested_by=command.requested_by)

    async def _cancel(self, document_id: UUID, owner: str) -> tuple[Document, bool]:
        """Return the document, and whether there was something of its own left to stop."""
        async with self._database.transaction() as tx:
            await lock_document(tx, document_id)
            document = await found(tx, document_id, owner)
            ended = document.view.state.is_terminal
            # Where none is to come, nothing is noted: a replay of its failure may still find some.
            if ended and not await family.expects_children(tx, document_id):
                return document, False
            await family.cancelled(tx, document_id, generation=document.generation)
            if ended:
                return document, True
            command = CancelRequested(
                document_id=document_id,
                owner=owner,
                requested_by=owner,
                requested_at=self._clock.now(),
                generation=document.generation,
                result_generation=document.kept_result,
            )
            await self._outbox.publish(tx, topics.COMMANDS, command)
        return document, True

    async def delete(
        self,
        document_id: UUID,
        *,
        owner: str,
        actor: str | None = None,
        only_if: Callable[[Transaction], Awaitable[bool]] | None = None,
    ) -> None:
        """Make the document invisible and tell everybody; then remove its bytes and its rows.

        What was found inside it goes with it. The audit keeps who asked for it, by default the
        owner. Where *only_if*, asked under the document's lock, says no, nothing is done.

        Idempotent. After a kill between the two, or with the store away, the sweep does the
        second. Raises DocumentNotFoundError, or DependencyUnavailableError for the database.
        """
        async with self._database.transaction() as tx:
            await lock_document(tx, document_id)
            if await erasure.was_erased(tx, document_id, owner=owner):
                return
            document = await found(tx, document_id, owner)
            if only_if is not None and not await only_if(tx):
                return
            await self._mark(tx, document, actor=actor or owner)
        below = await self._family.delete(document_id)
        try:
            for one in [document_id, *below[:_ERASED_AT_ONCE]]:
                await self.erase(one)
        except DependencyUnavailableError as error:
            logger.warning("document.erase_postponed", extra={"error": str(error)})

    async def _mark(self, tx: Transaction, document: Document, *, actor: str) -> None:
        owner, now = document.view.owner, self._clock.now()
        # From here on no other document can begin to share these bytes.
        await lock_content(tx, owner, document.sha256)
        await erasure.mark(tx, document.document_id, at=now)
        await retention.note(
            tx,
            "document",
            at=now,
            actor=actor,
            owner=owner,
            document_id=document.document_id,
            detail={"sha256": document.sha256, "bytes": document.size_bytes},
        )
        fact = DocumentDeleted(
            document_id=document.document_id,
            owner=owner,
            generation=document.generation,
            seq=sequence.terminal(document.generation),
            deleted_at=now,
        )
        await self._outbox.publish(tx, topics.EVENTS, fact)

    async def remove_artifacts(self, tx: Transaction, document: Document) -> None:
        """Ask for the end of all that was made of *document* up to its newest generation.

        That is its artifacts, what the index and the graph hold of it, and the offer of its result
        to equal documents. The caller has hidden them in the same transaction.
        """
        command = RemovalRequested(
            document_id=document.document_id,
            below_generation=document.generation + 1,
            requested_at=self._clock.now(),
        )
        await self._outbox.publish(tx, topics.COMMANDS, command)

    async def erase(self, document_id: UUID) -> None:
        """Remove the bytes and then the rows of a document that is marked. Idempotent.

        Its children are marked first, while its row still says who they are. Bytes that another
        document shares stay until the last one of them is erased. Raises
        DependencyUnavailableError; the row stays until the bytes are gone.
        """
        await self._family.delete(document_id)
        await self._store.delete_prefix(document_prefix(document_id))
        async with self._database.transaction() as tx:
            object_key = await erasure.own_object(tx, document_id)
        if object_key is not None:
            await self._store.delete(object_key)
        async with self._database.transaction() as tx:
            await erasure.erase(tx, document_id, at=self._clock.now())


async def found(tx: Transaction, document_id: UUID, owner: str) -> Document:
    """Return the document of *owner*. Raises DocumentNotFoundError."""
    document = await documents.find(tx, document_id, owner=owner)
    if document is None:
        raise DocumentNotFoundError(_NOT_FOUND)
    return document
