"""Obeys the commands of other services that only ingest may carry out.

It counts generations, and it alone knows what was found inside which document.
"""

import logging
from collections.abc import Sequence
from typing import Final

from docyard_common.errors import UndecodableRecordError
from docyard_common.events import codec
from docyard_common.events.envelope import Event
from docyard_common.events.work import CancelRequested, ReprocessRequested
from docyard_common.kafka.received import ReceivedRecord
from ingest.documents.lifecycle import Lifecycle
from ingest.documents.reprocessing import Reprocessing, Wish
from ingest.errors import RefusedError

logger = logging.getLogger(__name__)

_OBEYED: Final = frozenset({CancelRequested.type, ReprocessRequested.type})
_OWN: Final = "/docyard/ingest"
"""Whoever asked ingest itself for a cancel has been obeyed before the command went out."""


class Commands:
    """Applies the records of `commands`; a redelivery changes nothing more."""

    def __init__(self, reprocessing: Reprocessing, lifecycle: Lifecycle) -> None:
        self._reprocessing = reprocessing
        self._lifecycle = lifecycle

    async def apply(self, records: Sequence[ReceivedRecord]) -> None:
        """Obey each record in order. Raises DependencyUnavailableError to be called again."""
        for record in records:
            command = _decoded(record)
            if isinstance(command, CancelRequested | ReprocessRequested):
                await self._obey(command)

    async def _obey(self, command: CancelRequested | ReprocessRequested) -> None:
        try:
            if isinstance(command, CancelRequested):
                await self._lifecycle.cancel_below(command)
            else:
                await self._reprocess(command)
        except RefusedError as error:
            place = {"document_id": str(command.document_id), "code": error.code}
            logger.warning("command.refused", extra=place)

    async def _reprocess(self, command: ReprocessRequested) -> None:
        wish = Wish(
            requested_by=command.requested_by,
            from_stage=command.from_stage,
            after_generation=command.after_generation,
        )
        await self._reprocessing.reprocess(command.document_id, wish, owner=command.owner)


def _decoded(record: ReceivedRecord) -> Event | None:
    """Return the event of *record*; None for what ingest has asked for, or does not obey."""
    try:
        if codec.header(record.headers, "ce_type") not in _OBEYED:
            return None
        if codec.header(record.headers, "ce_source") == _OWN:
            return None
        return codec.decode(record.value, record.headers)
    except UndecodableRecordError as error:
        place = {"topic": record.topic, "offset": record.offset}
        logger.error("command.undecodable", extra={**place, "error": str(error)})  # noqa: TRY400
        return None
