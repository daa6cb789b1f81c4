"""Obeys the commands of other services that only ingest may carry out: it counts generations."""

import logging
from collections.abc import Sequence

from docyard_common.errors import UndecodableRecordError
from docyard_common.events import codec
from docyard_common.events.work import ReprocessRequested
from docyard_common.kafka.received import ReceivedRecord
from ingest.documents.reprocessing import Reprocessing, Wish
from ingest.errors import RefusedError

logger = logging.getLogger(__name__)


class Commands:
    """Applies the records of `commands`; a redelivery finds the generation begun."""

    def __init__(self, reprocessing: Reprocessing) -> None:
        self._reprocessing = reprocessing

    async def apply(self, records: Sequence[ReceivedRecord]) -> None:
        """Obey each record in order. Raises DependencyUnavailableError to be called again."""
        for record in records:
            command = _reprocess(record)
            if command is not None:
                await self._reprocess(command)

    async def _reprocess(self, command: ReprocessRequested) -> None:
        wish = Wish(
            requested_by=command.requested_by,
            from_stage=command.from_stage,
            after_generation=command.after_generation,
        )
        try:
            await self._reprocessing.reprocess(command.document_id, wish, owner=command.owner)
        except RefusedError as error:
            place = {"document_id": str(command.document_id), "code": error.code}
            logger.warning("command.refused", extra=place)


def _reprocess(record: ReceivedRecord) -> ReprocessRequested | None:
    try:
        if codec.header(record.headers, "ce_type") != ReprocessRequested.type:
            return None
        event = codec.decode(record.value, record.headers)
    except UndecodableRecordError as error:
        place = {"topic": record.topic, "offset": record.offset}
        logger.error("command.undecodable", extra={**place, "error": str(error)})  # noqa: TRY400
        return None
    return event if isinstance(event, ReprocessRequested) else None
