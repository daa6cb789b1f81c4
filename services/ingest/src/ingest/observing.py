"""Keeps the newest observation of the processor, for every replica of ingest."""

import logging
from collections.abc import Sequence

from docyard_common.database import Database
from docyard_common.errors import UndecodableRecordError
from docyard_common.events import codec
from docyard_common.events.observation import ProcessingObserved
from docyard_common.kafka.received import ReceivedRecord
from ingest.tables import queue

logger = logging.getLogger(__name__)


class Observing:
    """Applies the records of `processing.observations`: only the newest matters."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def apply(self, records: Sequence[ReceivedRecord]) -> None:
        """Keep the newest of a batch. Raises DependencyUnavailableError."""
        observed = [event for record in records if (event := _decoded(record)) is not None]
        if not observed:
            return
        async with self._database.transaction() as tx:
            await queue.keep(tx, max(observed, key=lambda event: event.observed_at))


def _decoded(record: ReceivedRecord) -> ProcessingObserved | None:
    try:
        event = codec.decode(record.value, record.headers)
    except UndecodableRecordError as error:
        place = {"topic": record.topic, "offset": record.offset, "error": str(error)}
        logger.error("observation.undecodable", extra=place)  # noqa: TRY400 - it has no stack
        return None
    return event if isinstance(event, ProcessingObserved) else None
