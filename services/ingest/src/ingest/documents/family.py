"""What happens to a document happens to all that was found inside it, at every depth."""

from typing import Final
from uuid import UUID

from docyard_common.clock import Clock
from docyard_common.database import Database, Transaction, lock_content, lock_documents
from docyard_common.events import sequence, topics
from docyard_common.events.documents import DocumentDeleted
from docyard_common.events.work import CancelRequested
from docyard_common.outbox import Outbox
from ingest.tables import erasure, family, retention
from ingest.tables.family import Relative

_AT_ONCE: Final = 100
"""Documents of one transaction: each holds a lock, of which PostgreSQL has some thousands."""


class Family:
    """Passes on what is done to a document. Idempotent: after a kill the caller begins again."""

    def __init__(self, *, database: Database, outbox: Outbox, clock: Clock) -> None:
        self._database = database
        self._outbox = outbox
        self._clock = clock

    async def cancel(self, document_id: UUID, *, requested_by: str) -> int:
        """Ask for the end of the work on all below *document_id*; return how many that were.

        One that has ended only takes no more of the children that were still to come.
        """
        asked = 0
        batch: list[Relative] = []
        while not asked or len(batch) == _AT_ONCE:
            after = batch[-1].document_id if batch else UUID(int=0)
            async with self._database.transaction() as tx:
                batch = await family.in_work(tx, document_id, after=after, limit=_AT_ONCE)
                await lock_documents(tx, [relative.document_id for relative in batch])
                for relative in batch:
                    await self._ask(tx, relative, requested_by)
            if not batch:
                break
            asked += len(batch)
        return asked

    async def delete(self, document_id: UUID) -> list[UUID]:
        """Make all below *document_id* invisible, tell everybody, and return who they were.

        The document itself is marked before: so nothing is added meanwhile. Bytes and rows are the
        caller's to erase, or the sweep's.
        """
        deleted: list[UUID] = []
        while True:
            async with self._database.transaction() as tx:
                batch = await family.not_deleted(tx, document_id, limit=_AT_ONCE)
                await lock_documents(tx, [relative.document_id for relative in batch])
                # In one order, so that two deletions do not wait for each other; see `Lifecycle`.
                for relative in sorted(batch, key=lambda one: (one.owner, one.sha256)):
                    await lock_content(tx, relative.owner, relative.sha256)
                for relative in batch:
                    await self._delete(tx, relative)
            if not batch:
                return deleted
            deleted += [relative.document_id for relative in batch]

    async def _ask(self, tx: Transaction, relative: Relative, requested_by: str) -> None:
        await family.cancelled(tx, relative.document_id, generation=relative.generation)
        if relative.ended:
            return
        command = CancelRequested(
            document_id=relative.document_id,
            owner=relative.owner,
            requested_by=requested_by,
            requested_at=self._clock.now(),
            generation=relative.generation,
            result_generation=relative.kept_result,
        )
        await self._outbox.publish(tx, topics.COMMANDS, command)

    async def _delete(self, tx: Transaction, relative: Relative) -> None:
        now = self._clock.now()
        await erasure.mark(tx, relative.document_id, at=now)
        await retention.note(
            tx,
            "document",
            at=now,
            actor=relative.owner,
            owner=relative.owner,
            document_id=relative.document_id,
            detail={"sha256": relative.sha256, "with": "the document it was found in"},
        )
        fact = DocumentDeleted(
            document_id=relative.document_id,
            owner=relative.owner,
            generation=relative.generation,
            seq=sequence.terminal(relative.generation),
            deleted_at=now,
        )
        await self._outbox.publish(tx, topics.EVENTS, fact)
