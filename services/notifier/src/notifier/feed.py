"""The live side of a replica: what Kafka says goes into memory and on to the subscribers."""

from collections.abc import Callable, Sequence

from docyard_common.database import Database
from docyard_common.kafka.broadcast import Places
from docyard_common.kafka.received import ReceivedRecord
from notifier import documents
from notifier.hub import Hub
from notifier.reading import document_events
from notifier.recent import RecentViews


class Feed:
    """Receives every record of `documents.events` and `documents.progress`."""

    def __init__(
        self, *, database: Database, recent: RecentViews, hub: Hub, resync: Callable[[], None]
    ) -> None:
        """*resync* makes all sessions start over: something was missed."""
        self._database = database
        self._recent = recent
        self._hub = hub
        self._resync = resync

    async def begin(self) -> Places:
        """Return where the projection ends: from there on, memory has what it has not."""
        async with self._database.transaction() as tx:
            return await documents.places(tx)

    def receive(self, records: Sequence[ReceivedRecord]) -> None:
        """Advance the memory and tell the subscribers."""
        for record, event in document_events(records):
            update = self._recent.apply(
                event,
                place=(record.topic, record.partition),
                offset=record.offset,
                timestamp_ms=record.timestamp_ms,
            )
            if update is not None:
                self._hub.publish(update)

    def lost(self) -> None:
        """Forget what does not connect any more, and let every client ask again."""
        self._recent.clear()
        self._resync()
