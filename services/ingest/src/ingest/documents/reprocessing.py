"""Processes a document once more: a further generation, shown once it is whole."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from docyard_common.clock import Clock
from docyard_common.database import Database, Transaction, lock_document
from docyard_common.events import sequence, topics
from docyard_common.events.documents import ReprocessingAccepted
from docyard_common.events.progress import advance
from docyard_common.events.stages import DocumentState, Priority, Stage
from docyard_common.outbox import Outbox
from ingest.document import Document, IdempotencyClaim, Start
from ingest.documents.artifact_reader import ArtifactReader
from ingest.documents.beginning import first_work
from ingest.documents.lifecycle import found
from ingest.errors import (
    InWorkError,
    OriginalRemovedError,
    ReprocessedTooOftenError,
    StageNotReachedError,
)
from ingest.tables import document_events, documents, idempotency

_BEGIN_WITH_PAGES: Final = frozenset({Stage.ANALYZE, Stage.INDEX})


@dataclass(frozen=True)
class Wish:
    """What somebody asks for; *priority* None keeps the document's own."""

    requested_by: str
    from_stage: Stage = Stage.VALIDATE
    priority: Priority | None = None
    after_generation: int | None = None  # only if no newer one was asked for meanwhile


class Reprocessing:
    """Begins generations. Only ingest counts them, under the document's lock."""

    def __init__(
        self, *, database: Database, outbox: Outbox, reader: ArtifactReader, clock: Clock
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._reader = reader
        self._clock = clock

    async def reprocess(
        self, document_id: UUID, wish: Wish, *, owner: str, claim: IdempotencyClaim | None = None
    ) -> Document:
        """Commit the next generation with its first work, and return the document in it.

        The same *claim* gives the same generation. Raises DocumentNotFoundError, InWorkError,
        StageNotReachedError, ReprocessedTooOftenError, IdempotencyKeyReusedError, or
        DependencyUnavailableError. A kill -9 leaves all of it or nothing.
        """
        async with self._database.transaction() as tx:
            document = await found(tx, document_id, owner)
            if claim is not None and await _was_done(tx, claim):
                return document
        refuse(document, wish)
        start = await self._start(document, wish.from_stage)
        newest = document.generation
        async with self._database.transaction() as tx:
            await lock_document(tx, document_id)
            document = await found(tx, document_id, owner)
            if claim is not None and not await self._claimed(tx, claim, document_id):
                return document
            refuse(document, wish)
            if document.generation != newest:
                raise InWorkError("The document was reprocessed a moment ago: read its state.")
            await self._begin(tx, document, wish, start)
            return await found(tx, document_id, owner)

    async def _claimed(self, tx: Transaction, claim: IdempotencyClaim, document_id: UUID) -> bool:
        earlier = await idempotency.claim(tx, claim, document_id=document_id, at=self._clock.now())
        return earlier is None

    async def _start(self, document: Document, stage: Stage) -> Start:
        """Find out what *stage* begins with, from what an earlier generation has left."""
        if stage not in _BEGIN_WITH_PAGES:
            return Start(stage=stage)
        cancelled = document.view.state is DocumentState.CANCELLED
        if cancelled and document.kept_result is None:
            raise StageNotReachedError("A cancelled document keeps nothing: begin anew.")
        manifest = await self._reader.manifest(document)
        analysis = await self._reader.analysis(document) if stage is Stage.INDEX else None
        if manifest is None or (stage is Stage.INDEX and analysis is None):
            message = f"The stage before {stage} has never ended: leave from_stage out."
            raise StageNotReachedError(message)
        found = analysis.classification if analysis else None
        return Start(
            stage=stage,
            inherits_from=document.artifact_generation,
            content_type=manifest.media_type,
            pages_total=manifest.page_count,
            language=analysis.language if analysis else None,
            document_type=found.document_type if found else None,
            with_errors=bool(manifest.page_errors),
        )

    async def _begin(self, tx: Transaction, document: Document, wish: Wish, start: Start) -> None:
        fact = self._fact(document, wish)
        held = await documents.hold(tx, [document.document_id])
        await documents.update(tx, [advance(held[document.document_id], fact)])
        await document_events.append(tx, [fact])
        await documents.begin(tx, document.document_id, start)
        work = first_work(
            document,
            start,
            generation=fact.generation,
            accepted_at=fact.accepted_at,
            priority=wish.priority or document.priority,
        )
        await self._outbox.add(
            tx,
            self._outbox.record(topics.EVENTS, fact),
            self._outbox.record(topics.work(work.stage, work.priority), work),
        )

    def _fact(self, document: Document, wish: Wish) -> ReprocessingAccepted:
        generation = document.generation + 1
        return ReprocessingAccepted(
            document_id=document.document_id,
            owner=document.view.owner,
            generation=generation,
            seq=sequence.reopened(generation),
            from_stage=wish.from_stage,
            requested_by=wish.requested_by,
            accepted_at=self._clock.now(),
        )


def refuse(document: Document, wish: Wish) -> None:
    """Raise the reason why *document* can not be reprocessed as *wish* says, if there is one."""
    if not document.view.is_terminal:
        state = document.view.state
        raise InWorkError(f"The document is {state}: cancel it first, or wait for its end.")
    _refuse_what_is_removed(document, from_pages=wish.from_stage in _BEGIN_WITH_PAGES)
    if wish.after_generation is not None and document.generation > wish.after_generation:
        raise InWorkError("The document has been reprocessed since then.")
    if document.generation >= sequence.LAST_GENERATION:
        count = sequence.LAST_GENERATION
        raise ReprocessedTooOftenError(f"It was processed {count} times: upload it again.")


def _refuse_what_is_removed(document: Document, *, from_pages: bool) -> None:
    """Raise where what the first stage begins with is not kept any more."""
    if document.original_removed_at and document.artifacts_removed:
        raise OriginalRemovedError("Neither its bytes nor its text are kept: upload it again.")
    if document.original_removed_at and not from_pages:
        raise OriginalRemovedError(
            "Its bytes are not kept any more: use from_stage analyze or index, or upload it again."
        )
    if document.artifacts_removed and from_pages:
        raise StageNotReachedError("Its text is not kept any more: leave from_stage out.")


async def _was_done(tx: Transaction, claim: IdempotencyClaim) -> bool:
    """Whether the same request was served before. Raises IdempotencyKeyReusedError."""
    earlier = await idempotency.find(tx, owner=claim.owner, route=claim.route, key=claim.key)
    if earlier is not None:
        earlier.require(claim.fingerprint)
    return earlier is not None
