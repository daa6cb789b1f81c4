"""Reads document events out of Kafka records, for the projection and for the fan-out alike."""

import logging
from collections.abc import Iterable, Iterator

from docyard_common.errors import UndecodableRecordError
from docyard_common.events.codec import decode
from docyard_common.events.envelope import DocumentEvent
from docyard_common.kafka.received import ReceivedRecord

logger = logging.getLogger(__name__)


def document_events(
    records: Iterable[ReceivedRecord],
) -> Iterator[tuple[ReceivedRecord, DocumentEvent]]:
    """Yield the records that hold an event of a document, with it.

    What can not be decoded is logged and skipped: these topics carry no work that could be lost.
    """
    for record in records:
        try:
            event = decode(record.value, record.headers)
        except UndecodableRecordError as error:
            place = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
            logger.warning("record.undecodable", extra={**place, "error": str(error)[:200]})
            continue
        if isinstance(event, DocumentEvent):
            yield record, event
