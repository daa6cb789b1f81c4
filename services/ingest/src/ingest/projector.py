"""Keeps the rows true: applies `documents.events` and `documents.progress` by their `seq`."""

import logging
from collections.abc import Iterable, Sequence
from uuid import UUID

from docyard_common.clock import Clock
from docyard_common.database import Database, Transaction
from docyard_common.errors import UndecodableRecordError
from docyard_common.events import codec, topics
from docyard_common.events.documents import DocumentDeleted, DocumentProgressed
from docyard_common.events.envelope import DocumentEvent
from docyard_common.events.progress import DocumentView, advance
from docyard_common.events.work import RemovalRequested
from docyard_common.kafka.received import ReceivedRecord
from docyard_common.outbox import Outbox
from ingest.tables import document_events, documents, erasure

logger = logging.getLogger(__name__)


class Projector:
    """Writes what others say about documents into ingest's own tables."""

    def __init__(self, *, database: Database, outbox: Outbox, clock: Clock) -> None:
        self._database = database
        self._outbox = outbox
        self._clock = clock

    async def apply(self, records: Sequence[ReceivedRecord]) -> None:
        """Apply a batch in one transaction; a redelivery changes nothing.

        Documents without a row were deleted: what is said about them is ignored. Records that can
        not be read carry no work here: they are logged and passed over. Raises
        DependencyUnavailableError.
        """
        events = list(_decoded(records))
        if not events:
            return
        async with self._database.transaction() as tx:
            held = await documents.hold(tx, sorted({event.document_id for event in events}))
            known = [event for event in events if event.document_id in held]
            advanced = _advanced(held, known)
            await documents.update(tx, advanced)
            await self._remove_replaced(tx, held, advanced)
            await document_events.append(tx, [e for e in known if _is_kept(e)])
            await self._erase(tx, events)

    async def _remove_replaced(
        self, tx: Transaction, held: dict[UUID, DocumentView], advanced: Iterable[DocumentView]
    ) -> None:
        """Ask for the end of older artifacts in the transaction that hides them from readers."""
        for view in advanced:
            newest = view.result_generation or 1
            if newest > 1 and newest != held[view.document_id].result_generation:
                command = RemovalRequested(
                    document_id=view.document_id,
                    below_generation=newest,
                    requested_at=self._clock.now(),
                )
                await self._outbox.publish(tx, topics.COMMANDS, command)

    async def _erase(self, tx: Transaction, events: Iterable[DocumentEvent]) -> None:
        for event in events:
            if isinstance(event, DocumentDeleted):
                await erasure.mark(tx, event.document_id, at=self._clock.now())


def _decoded(records: Iterable[ReceivedRecord]) -> Iterable[DocumentEvent]:
    for record in records:
        try:
            event = codec.decode(record.value, record.headers)
        except UndecodableRecordError as error:
            logger.error(  # noqa: TRY400 - the sentence says it all; the record has no stack
                "projector.undecodable",
                extra={
                    "topic": record.topic,
                    "partition": record.partition,
                    "offset": record.offset,
                    "error": str(error),
                },
            )
            continue
        if isinstance(event, DocumentEvent):
            yield event


def _advanced(
    held: dict[UUID, DocumentView], events: Iterable[DocumentEvent]
) -> list[DocumentView]:
    """Return the views that *events* have changed, in the order of their ids."""
    views = dict(held)
    for event in events:
        if not isinstance(event, DocumentDeleted):
            views[event.document_id] = advance(views[event.document_id], event)
    return [view for key, view in sorted(views.items()) if view is not held[key]]


def _is_kept(event: DocumentEvent) -> bool:
    return not isinstance(event, DocumentProgressed | DocumentDeleted)
