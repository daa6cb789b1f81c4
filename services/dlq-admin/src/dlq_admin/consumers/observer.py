"""Follows what the processor tells of its breakers."""

import logging
from collections.abc import Sequence
from typing import Final

from dlq_admin.tables import breakers
from docyard_common.database import Database
from docyard_common.errors import UndecodableRecordError
from docyard_common.events.codec import decode
from docyard_common.events.observation import ProcessingObserved
from docyard_common.kafka.received import ReceivedRecord

logger = logging.getLogger(__name__)

GROUP: Final = "dlq-admin.observer"


class Observer:
    """Applies batches of the topic `processing.observations`: only the newest matters."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def apply(self, batch: Sequence[ReceivedRecord]) -> None:
        """Keep the newest of *batch*. Raises DependencyUnavailableError."""
        told = [event for record in batch if (event := _told(record)) is not None]
        if told:
            async with self._database.transaction() as tx:
                await breakers.keep(tx, max(told, key=lambda event: event.observed_at))


def _told(record: ReceivedRecord) -> ProcessingObserved | None:
    try:
        event = decode(record.value, record.headers)
    except UndecodableRecordError:
        logger.exception("observation.undecodable", extra={"offset": record.offset})
        return None
    return event if isinstance(event, ProcessingObserved) else None
