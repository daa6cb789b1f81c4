"""Keeps the notifier's tables true from Kafka; all replicas share the work as one group."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from docyard_common.database import Database, Transaction
from docyard_common.events.documents import DocumentDeleted, DocumentProgressed
from docyard_common.events.envelope import DocumentEvent
from docyard_common.events.progress import DocumentView, advance
from docyard_common.kafka.broadcast import Place
from docyard_common.kafka.received import ReceivedRecord
from notifier import documents
from notifier.reading import document_events
from notifier.updates import is_change, update_of


class Projector:
    """Applies batches of `documents.events` and `documents.progress`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def apply(self, records: Sequence[ReceivedRecord]) -> None:
        """Write views, facts and places of one batch in one transaction; idempotent.

        Raises DependencyUnavailableError. A kill -9 anywhere leaves the batch unwritten or whole.
        """
        events = _by_document(document_events(records))
        async with self._database.transaction() as tx:
            if events:
                await self._project(tx, events)
            await documents.save_places(tx, _places(records))

    async def _project(
        self, tx: Transaction, events: Mapping[UUID, Sequence[DocumentEvent]]
    ) -> None:
        held = await documents.lock_views(tx, events)
        views: list[DocumentView] = []
        facts: list[documents.Fact] = []
        for document_id, of_document in events.items():
            view = _advance_all(held[document_id], of_document, facts)
            if view is not held[document_id]:
                views.append(view)
        await documents.save_facts(tx, facts)
        # After the facts: saving a deleted document erases its facts, these included.
        await documents.save_views(tx, views)


def _by_document(
    read: Iterable[tuple[ReceivedRecord, DocumentEvent]],
) -> dict[UUID, list[DocumentEvent]]:
    """Group by document, in the order in which things happened: two topics are read as one."""
    events: defaultdict[UUID, list[DocumentEvent]] = defaultdict(list)
    for _, event in read:
        events[event.document_id].append(event)
    for of_document in events.values():
        of_document.sort(key=lambda event: (event.seq, isinstance(event, DocumentDeleted)))
    return dict(events)


def _advance_all(
    view: DocumentView | None, events: Sequence[DocumentEvent], facts: list[documents.Fact]
) -> DocumentView:
    """Return the view after *events* and add what changed on the way to *facts*."""
    for event in events:
        previous, view = view, advance(view, event)
        if view is not previous:
            if is_change(event, view=view, previous=previous):
                facts.append(documents.fact_of(update_of(view)))
        elif not view.deleted and not isinstance(event, DocumentProgressed):
            # A tick has overtaken this fact: it is remembered as it would have been told.
            facts.append(documents.fact_of(update_of(advance(None, event))))
    assert view is not None  # noqa: S101 - no group is empty
    return view


def _places(records: Sequence[ReceivedRecord]) -> dict[Place, int]:
    """Return the offset behind the last record, per topic and partition."""
    return {(record.topic, record.partition): record.offset + 1 for record in records}
