"""Follows the facts about documents that have failed: only a later success resolves an entry."""

import logging
from collections.abc import Sequence
from typing import Final, TypeAlias
from uuid import UUID

from dlq_admin.tables import outcomes, settling
from docyard_common.database import Database, Transaction, lock_documents
from docyard_common.errors import UndecodableRecordError
from docyard_common.events.codec import decode
from docyard_common.events.documents import (
    DocumentCancelled,
    DocumentCompleted,
    DocumentDeleted,
    DocumentFailed,
    StageFinished,
    StageRetrying,
)
from docyard_common.kafka.received import ReceivedRecord
from docyard_common.observability import metrics

logger = logging.getLogger(__name__)

GROUP: Final = "dlq-admin.resolver"
CANCELLED: Final = "the document was cancelled"

_Troubles: TypeAlias = DocumentFailed | DocumentDeleted | StageRetrying
_Fact: TypeAlias = _Troubles | StageFinished | DocumentCompleted | DocumentCancelled
_TROUBLES: Final = (DocumentFailed, DocumentDeleted, StageRetrying)
_FACTS: Final = (*_TROUBLES, StageFinished, DocumentCompleted, DocumentCancelled)


class Resolver:
    """Applies batches of the topic `documents.events`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def apply(self, batch: Sequence[ReceivedRecord]) -> None:
        """Apply *batch* in one transaction; facts that come again change nothing.

        Healthy documents cost one query a batch. Raises DependencyUnavailableError.
        """
        facts = [fact for record in batch if (fact := _fact(record)) is not None]
        if not facts:
            return
        async with self._database.transaction() as tx:
            ids = {fact.document_id for fact in facts}
            troubled = {fact.document_id for fact in facts if isinstance(fact, _TROUBLES)}
            known = troubled | await outcomes.known(tx, tuple(ids - troubled))
            if known:
                await lock_documents(tx, known)
            # Entries are touched in one order too: a replay locks them without their documents.
            for fact in sorted(facts, key=lambda fact: fact.document_id.int):
                if fact.document_id in known:
                    await _apply(tx, fact)


async def _apply(tx: Transaction, fact: _Fact) -> None:
    match fact:
        case StageRetrying():
            await outcomes.add_retry(tx, fact)
        case DocumentFailed():
            await outcomes.watch(tx, fact.document_id, fact.stage, at=fact.failed_at)
        case StageFinished():
            await outcomes.finished(tx, fact.document_id, fact.stage, seq=fact.seq, at=fact.at)
            _count(
                await settling.resolve(tx, fact.document_id, fact.stage, seq=fact.seq, at=fact.at)
            )
        case DocumentCompleted():
            await _completed(tx, fact.document_id, fact)
        case DocumentCancelled():
            await settling.give_up(
                tx,
                fact.document_id,
                seq=fact.seq,
                at=fact.cancelled_at,
                by="docyard",
                reason=CANCELLED,
            )
        case DocumentDeleted():
            await outcomes.erase(tx, fact.document_id, at=fact.deleted_at)


async def _completed(tx: Transaction, document_id: UUID, fact: DocumentCompleted) -> None:
    at = fact.completed_at
    await outcomes.finished(tx, document_id, None, seq=fact.seq, at=at)
    _count(await settling.resolve(tx, document_id, None, seq=fact.seq, at=at))


def _count(stages: Sequence[str]) -> None:
    for stage in stages:
        metrics.DLQ_RESOLVED.labels(stage).inc()


def _fact(record: ReceivedRecord) -> _Fact | None:
    """Return the fact in *record*; None for those that say nothing about dead letters."""
    try:
        event = decode(record.value, record.headers)
    except UndecodableRecordError:
        # A fact carries no work: nothing is lost but its news, and the next one goes on.
        logger.exception(
            "fact.undecodable",
            extra={"topic": record.topic, "partition": record.partition, "offset": record.offset},
        )
        return None
    return event if isinstance(event, _FACTS) else None
