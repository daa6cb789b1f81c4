"""Takes in work that is asked for again after Kafka was lost."""

from collections.abc import Sequence
from datetime import UTC, datetime

from docyard_common.database import Transaction, lock_documents
from docyard_common.events import sequence, topics
from docyard_common.events.documents import DocumentCancelled
from docyard_common.events.work import StageRequested
from docyard_common.outbox import Outbox
from docyard_common.work import intake, reconciling
from docyard_common.work.model import WorkKey, WorkOrder


class Reconciliation:
    """Decides for each order whether its work goes on, was ended, or must be put back."""

    def __init__(self, *, outbox: Outbox) -> None:
        self._outbox = outbox

    async def take(self, tx: Transaction, orders: Sequence[WorkOrder]) -> None:
        """Put back what is lost; idempotent. A crash before the commit leaves nothing."""
        await lock_documents(tx, [order.request.document_id for order in orders])
        for order in orders:
            request = order.request
            if await reconciling.was_cancelled(tx, request.document_id, request.generation):
                await self._tell_cancelled(tx, request)
            elif not await self._needs_nothing(tx, order):
                await intake.take(tx, [order])
                key = WorkKey(request.document_id, request.generation, request.stage)
                await reconciling.follow_earlier_runs(tx, key)

    async def _needs_nothing(self, tx: Transaction, order: WorkOrder) -> bool:
        """Whether the work goes on, or came to its end while the order waited in its topic."""
        place = (order.request.document_id, order.request.generation)
        asked_at = order.record.timestamp_ms
        return await reconciling.goes_on(tx, *place) or await reconciling.completed_since(
            tx, *place, timestamp_ms=asked_at
        )

    async def _tell_cancelled(self, tx: Transaction, request: StageRequested) -> None:
        event = DocumentCancelled(
            document_id=request.document_id,
            owner=request.owner,
            generation=request.generation,
            seq=sequence.terminal(request.generation),
            cancelled_at=datetime.now(UTC),
        )
        await self._outbox.publish(tx, topics.EVENTS, event)
