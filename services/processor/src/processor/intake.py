"""From Kafka to rows: one batch, one transaction, then the offsets."""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from docyard_common.database import Database, Transaction, lock_documents
from docyard_common.delivery import headers, oversize
from docyard_common.delivery.memory import Estimates, Kind
from docyard_common.errors import FailureReason, UndecodableRecordError
from docyard_common.events import codec
from docyard_common.events.stages import Priority, Stage
from docyard_common.events.work import StageRequested
from docyard_common.kafka.consumer import BackpressureError
from docyard_common.kafka.received import ReceivedRecord
from docyard_common.observability import metrics
from docyard_common.outbox import Outbox
from docyard_common.work import intake
from docyard_common.work.model import WorkOrder
from processor.reconciling import Reconciliation
from processor.settings import SlotSettings
from processor.version import VERSION

_COUNT_S: Final = 1.0
"""Other replicas fill the lane too: a count is not believed for longer."""


class Intake:
    """Takes the records of one lane of one stage.

    A kill -9 before the commit leaves nothing; after it, the batch comes again and changes
    nothing: rows that exist are left alone.
    """

    def __init__(
        self,
        stage: Stage,
        lane: Priority,
        *,
        database: Database,
        outbox: Outbox,
        settings: SlotSettings,
        estimates: Estimates,
    ) -> None:
        self._estimates = estimates
        self._stage = stage
        self._lane = lane
        self._database = database
        self._outbox = outbox
        self._reconciliation = Reconciliation(outbox=outbox)
        self._settings = settings
        self._known_waiting = 0
        self._counted_at = -_COUNT_S
        self._waiting = metrics.STAGE_WAITING.labels(stage, lane)

    async def apply(self, records: Sequence[ReceivedRecord]) -> None:
        """Store work for *records*; those that can not be decoded become dead letters.

        Raises BackpressureError while the lane is full, DependencyUnavailableError for a database
        that is away.
        """
        orders, poison = self._sorted(records)
        await self._wait_for_room()
        fresh = [order for order in orders if not order.is_reconciling]
        again = [order for order in orders if order.is_reconciling]
        with metrics.INTAKE_DURATION.labels(self._stage).time():
            async with self._database.transaction() as tx:
                if again:
                    await lock_documents(tx, [order.request.document_id for order in orders])
                stored = await intake.take(tx, fresh) if fresh else 0
                if again:
                    await self._reconciliation.take(tx, again)
                for record, error in poison:
                    await self._bury(tx, record, error)
        self._known_waiting += len(orders)
        metrics.INTAKE_BATCH.labels(self._stage).observe(len(records))
        metrics.INTAKE.labels(self._stage, "stored").inc(stored)
        metrics.INTAKE.labels(self._stage, "skipped").inc(len(fresh) - stored)
        metrics.INTAKE.labels(self._stage, "reconciled").inc(len(again))
        metrics.INTAKE.labels(self._stage, "undecodable").inc(len(poison))

    async def _wait_for_room(self) -> None:
        """Count the rows that wait, unless the last count leaves room for all taken since."""
        limit = self._settings.work_waiting_max
        if self._known_waiting < limit // 2 and time.monotonic() < self._counted_at + _COUNT_S:
            return
        async with self._database.autocommit() as tx:
            self._known_waiting = await intake.waiting(tx, self._stage, self._lane)
        self._counted_at = time.monotonic()
        self._waiting.set(self._known_waiting)
        if self._known_waiting >= limit:
            raise BackpressureError(
                f"{self._known_waiting} rows of {self._lane} wait for {self._stage}"
            )

    async def reject(self, record: ReceivedRecord, error: Exception) -> None:
        """Bury a record that decodes, and that the database still refuses."""
        async with self._database.transaction() as tx:
            await self._bury(tx, record, error)

    def _sorted(
        self, records: Sequence[ReceivedRecord]
    ) -> tuple[list[WorkOrder], list[tuple[ReceivedRecord, Exception]]]:
        orders: list[WorkOrder] = []
        poison: list[tuple[ReceivedRecord, Exception]] = []
        for record in records:
            try:
                orders.append(self._order(record))
            except UndecodableRecordError as error:
                poison.append((record, error))
        return orders, poison

    def _order(self, record: ReceivedRecord) -> WorkOrder:
        size = oversize.size_of(record.key, record.value, record.headers)
        if size > oversize.MAX_RECORD_BYTES:
            raise UndecodableRecordError(f"the record is larger than work may be: {size} bytes")
        request = codec.decode(record.value, record.headers)
        if not isinstance(request, StageRequested) or request.stage is not self._stage:
            raise UndecodableRecordError(f"the record does not ask for {self._stage}")
        replay = headers.replay_of(record.headers)
        pages = request.pages_total or 0
        bulky = (
            request.size_bytes > self._settings.bulky_bytes or pages > self._settings.bulky_pages
        )
        kind = Kind.of(self._stage, request.content_type, request.size_bytes)
        return WorkOrder(
            record,
            request,
            bulky,
            str(replay.replay_id) if replay else None,
            memory_bytes=self._estimates.estimate(kind),
        )

    async def _bury(self, tx: Transaction, record: ReceivedRecord, error: Exception) -> None:
        if not await intake.reject_once(tx, record):
            return
        now = datetime.now(UTC)
        death = headers.Death(
            stage=self._stage,
            reason=FailureReason.UNDECODABLE_RECORD,
            attempt=1,
            origin=headers.Origin(
                record.topic, record.partition, record.offset, record.timestamp_ms
            ),
            cause=headers.Cause.of(error),
            first_failed_at=now,
            failed_at=now,
            service_version=VERSION,
        )
        came = codec.Record(record.topic, record.key, record.value, record.headers)
        # In a thread: to pack hundreds of megabytes takes a second.
        letter = await asyncio.to_thread(oversize.letter, came, death)
        await self._outbox.add(tx, letter)
        metrics.DLQ_MESSAGES.labels(self._stage, FailureReason.UNDECODABLE_RECORD).inc()
