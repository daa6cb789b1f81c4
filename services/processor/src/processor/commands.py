"""Obeys commands and deletions: what people ask for while their documents are on the way."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from docyard_common import artifacts
from docyard_common.database import Database, lock_document
from docyard_common.errors import UndecodableRecordError
from docyard_common.events import codec, sequence, topics
from docyard_common.events.documents import DocumentCancelled, DocumentDeleted
from docyard_common.events.envelope import Event
from docyard_common.events.stages import Stage
from docyard_common.events.work import (
    BreakerResetRequested,
    CancelRequested,
    RemovalRequested,
    StageResumeRequested,
    StageSlotsRequested,
)
from docyard_common.kafka.received import ReceivedRecord
from docyard_common.outbox import Outbox
from docyard_common.work import stopping
from processor.holds import Holds
from processor.reuse import results

logger = logging.getLogger(__name__)

_OBEYED: Final = frozenset(
    event.type
    for event in (
        BreakerResetRequested,
        CancelRequested,
        RemovalRequested,
        StageResumeRequested,
        StageSlotsRequested,
        DocumentDeleted,
    )
)
_READERS_S: Final = 60.0
"""Who began to read a result just before it was replaced has this long to get to its end."""


class Commands:
    """Applies the records of `commands` and of `documents.events`; all of it is idempotent."""

    def __init__(self, *, database: Database, outbox: Outbox, holds: Holds) -> None:
        self._database = database
        self._outbox = outbox
        self._holds = holds

    async def apply(self, records: Sequence[ReceivedRecord]) -> None:
        """Obey each record in order. Raises DependencyUnavailableError to be called again."""
        for record in records:
            match self._decoded(record):
                case CancelRequested() as command:
                    await self._cancel(command)
                case RemovalRequested() as command:
                    await self._remove_older(command)
                case StageResumeRequested(stage=stage):
                    await self._resume(stage)
                case BreakerResetRequested(stage=stage, dependency=dependency):
                    await self._holds.reset_breaker(stage, dependency)
                case StageSlotsRequested(stage=stage, slots=slots, requested_by=by):
                    await self._holds.set_slots(stage, slots, by=by)
                case DocumentDeleted() as event:
                    await self._forget(event)
                case _:
                    pass  # facts about documents that ask for nothing here

    def _decoded(self, record: ReceivedRecord) -> Event | None:
        try:
            # Most facts ask for nothing here: their values are not even read.
            if codec.header(record.headers, "ce_type") not in _OBEYED:
                return None
            return codec.decode(record.value, record.headers)
        except UndecodableRecordError as error:
            place = {"topic": record.topic, "offset": record.offset}
            logger.error("command.undecodable", extra={**place, "error": str(error)})  # noqa: TRY400
            return None

    async def _cancel(self, command: CancelRequested) -> None:
        """Stop the work and tell that it ended, unless it has ended already."""
        document_id = command.document_id
        prefix = artifacts.document_prefix(document_id) + "{generation}/"
        async with self._database.transaction() as tx:
            await lock_document(tx, document_id)
            generation = await stopping.cancel(
                tx,
                document_id,
                artifacts=prefix,
                generation=command.generation,
                has_result=command.result_generation is not None,
            )
            if generation is None:
                return
            event = DocumentCancelled(
                document_id=document_id,
                owner=command.owner,
                generation=generation,
                seq=sequence.terminal(generation),
                cancelled_at=datetime.now(UTC),
            )
            await self._outbox.publish(tx, topics.EVENTS, event)

    async def _remove_older(self, command: RemovalRequested) -> None:
        async with self._database.transaction() as tx:
            await results.forget(tx, command.document_id, below_generation=command.below_generation)
            await stopping.remove_older(
                tx,
                command.document_id,
                prefix=artifacts.document_prefix(command.document_id),
                below=command.below_generation,
                delay_s=_READERS_S,
            )

    async def _forget(self, event: DocumentDeleted) -> None:
        async with self._database.transaction() as tx:
            await lock_document(tx, event.document_id)
            await results.forget(tx, event.document_id)
            prefix = artifacts.document_prefix(event.document_id)
            await stopping.forget(tx, event.document_id, prefix=prefix)

    async def _resume(self, stage: Stage) -> None:
        await self._holds.resume(stage)
