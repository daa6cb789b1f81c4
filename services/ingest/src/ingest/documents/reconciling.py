"""Puts every unfinished document back to work: after Kafka was lost, and whenever one is stuck."""

import logging
from datetime import timedelta
from typing import Final

from docyard_common.clock import Clock
from docyard_common.database import Database, Transaction
from docyard_common.events import topics
from docyard_common.events.stages import Stage
from docyard_common.events.work import StageRequested
from docyard_common.outbox import Outbox
from ingest.document import Document, Start
from ingest.documents.beginning import first_work
from ingest.tables import documents

logger = logging.getLogger(__name__)

_BATCH: Final = 200


class Reconciler:
    """Asks again for the work of documents that have not ended.

    Safe at any time and in any number: the processor leaves alone what waits or runs, and tells
    again what has ended. A kill -9 leaves the documents of whole batches asked for.
    """

    def __init__(self, *, database: Database, outbox: Outbox, clock: Clock) -> None:
        self._database = database
        self._outbox = outbox
        self._clock = clock

    async def count(self, *, silent_s: float = 0.0) -> int:
        """Return how many documents are unfinished and silent for *silent_s*."""
        before = self._clock.now() - timedelta(seconds=silent_s)
        async with self._database.transaction() as tx:
            return await documents.count_unfinished(tx, before=before)

    async def reconcile(self, *, silent_s: float = 0.0, limit: int | None = None) -> int:
        """Ask for the work of all that `count` counts, up to *limit*; return how many.

        Raises DependencyUnavailableError; what was asked for until then stays asked for.
        """
        before = self._clock.now() - timedelta(seconds=silent_s)
        after, asked = None, 0
        while limit is None or asked < limit:
            async with self._database.transaction() as tx:
                found = await documents.unfinished(tx, after=after, before=before, limit=_BATCH)
                await self._ask(tx, found)
            asked += len(found)
            if len(found) < _BATCH:
                break
            after = found[-1].document_id
        if asked:
            logger.warning("reconciled", extra={"documents": asked})
        return asked

    async def _ask(self, tx: Transaction, found: list[Document]) -> None:
        now = self._clock.now()
        ids = [document.document_id for document in found]
        statement = "update documents set reconciled_at = %s where document_id = any(%s)"
        await tx.execute(statement, (now, ids))
        works = [_work(document) for document in found]
        await self._outbox.add(
            tx,
            *(self._outbox.record(topics.work(one.stage, one.priority), one) for one in works),
        )


def _work(document: Document) -> StageRequested:
    """Return the work that leads *document* to its end, whatever the processor has done already."""
    return first_work(
        document,
        _start(document),
        generation=document.generation,
        accepted_at=document.created_at,
        priority=document.priority,
        reconciling=True,
    )


def _start(document: Document) -> Start:
    """Return where to go on: as it began, for a generation that has taken over earlier stages.

    Else validate where that has not passed, or extract: it finds its own artifacts, and from them
    follows all that later stages need to be told.
    """
    if document.start is not None and document.start.inherits_from is not None:
        return document.start
    view = document.view
    at = view.waits_for or view.stage or Stage.VALIDATE
    stage = Stage.VALIDATE if at is Stage.VALIDATE else Stage.EXTRACT
    return Start(stage=stage, pages_total=view.pages_total)
