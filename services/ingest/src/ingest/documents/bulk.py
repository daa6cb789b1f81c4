"""Cancels or reprocesses many documents: an order, worked off at a rate, that can be paused."""

import asyncio
import logging
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from docyard_common.clock import Clock
from docyard_common.database import Database, Transaction
from docyard_common.errors import DependencyUnavailableError
from docyard_common.events.stages import DocumentState, Priority, Stage
from docyard_common.ids import uuid7
from ingest.document import IdempotencyClaim
from ingest.documents.lifecycle import Lifecycle
from ingest.documents.reprocessing import Reprocessing, Wish
from ingest.errors import (
    BulkOperationNotFoundError,
    BulkOperationOverError,
    InWorkError,
    RefusedError,
)
from ingest.tables import bulk, idempotency
from ingest.tables.document_lists import DocumentFilter

logger = logging.getLogger(__name__)

MAX_DOCUMENTS: Final = 100_000
_TICK_S: Final = 0.5
_CHUNK: Final = 50
"""Documents of one tick: bounds how long one operation holds its row, and what a kill repeats."""
_SAMPLES: Final = 10


class BulkKind(StrEnum):
    """What is done to each document."""

    CANCEL = "cancel"
    REPROCESS = "reprocess"


@dataclass(frozen=True)
class BulkOrder:
    """What somebody asks for; *owner* None is about everybody's documents."""

    kind: BulkKind
    actor: str
    owner: str | None
    narrowed: DocumentFilter
    selector: dict[str, Any]  # the filter as it was given, for people
    max_documents: int
    rate_per_s: float
    max_in_work: int
    reason: str | None = None
    from_stage: Stage = Stage.VALIDATE
    priority: Priority | None = None


@dataclass(frozen=True)
class BulkPreview:
    """What an order would do now."""

    matched: int
    eligible: int
    sample_ids: Sequence[UUID]
    estimated_s: float


class BulkOperations:
    """Takes orders, and works them off; every replica may run, one works on an order at a time."""

    def __init__(
        self, *, database: Database, lifecycle: Lifecycle, reprocessing: Reprocessing, clock: Clock
    ) -> None:
        self._database = database
        self._lifecycle = lifecycle
        self._reprocessing = reprocessing
        self._clock = clock
        self._wake = asyncio.Event()

    async def preview(self, order: BulkOrder) -> BulkPreview:
        """Count; change nothing."""
        async with self._database.transaction() as tx:
            rows = await bulk.selected(
                tx, order.narrowed, owner=order.owner, limit=order.max_documents
            )
        ends = order.kind is BulkKind.REPROCESS
        fit = [row for row in rows if DocumentState(row["state"]).is_terminal is ends]
        return BulkPreview(
            matched=len(rows),
            eligible=len(fit),
            sample_ids=[row["document_id"] for row in fit[:_SAMPLES]],
            estimated_s=round(len(fit) / order.rate_per_s, 1),
        )

    async def place(
        self, order: BulkOrder, *, claim: IdempotencyClaim | None = None
    ) -> dict[str, Any]:
        """Fix what *order* is about and begin; return its row. A kill -9 loses nothing of it.

        Under a *claim* that was used before, the operation of that time is returned as it stands.
        Raises IdempotencyKeyReusedError for another order, BulkOperationNotFoundError for one
        that is gone.
        """
        operation_id, now = uuid7(), self._clock.now()
        async with self._database.transaction() as tx:
            if claim and (earlier := await _earlier(tx, claim, operation_id, at=now)):
                return await _known(tx, earlier, order.actor)
            await bulk.add(tx, _row(operation_id, order, now))
            await bulk.fill(
                tx, operation_id, order.narrowed, owner=order.owner, limit=order.max_documents
            )
            row = await _known(tx, operation_id, order.actor)
        self._wake.set()
        return row

    async def find(self, operation_id: UUID, *, actor: str) -> tuple[dict[str, Any], int]:
        """Return the row and how many documents are in work. Raises BulkOperationNotFoundError."""
        async with self._database.transaction() as tx:
            row = await _known(tx, operation_id, actor)
            return row, await bulk.in_work(tx, operation_id)

    async def page(self, actor: str, *, before: UUID | None, limit: int) -> list[dict[str, Any]]:
        """Return the rows of *actor*'s operations, newest first."""
        async with self._database.transaction() as tx:
            return await bulk.page(tx, actor=actor, before=before, limit=limit)

    async def change(self, operation_id: UUID, status: str, *, actor: str) -> dict[str, Any]:
        """Make it paused, pending (to go on) or cancelled; what was begun goes on.

        Raises BulkOperationNotFoundError, or BulkOperationOverError once it has ended otherwise.
        """
        async with self._database.transaction() as tx:
            row = await _known(tx, operation_id, actor, lock=True)
            if row["status"] == status:
                return row
            if row["status"] in ("completed", "cancelled"):
                raise BulkOperationOverError(f"The operation is {row['status']} already.")
            await bulk.set_status(tx, operation_id, status, at=self._clock.now())
            row = await _known(tx, operation_id, actor)
        self._wake.set()
        return row

    async def run(self) -> None:
        """Work off orders until cancelled; servers that are away are waited out."""
        while True:
            self._wake.clear()
            try:
                await self.tick()
            except DependencyUnavailableError as error:
                logger.warning("bulk.waiting", extra={"error": str(error)})
            try:
                async with asyncio.timeout(_TICK_S):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def tick(self) -> None:
        """Do what the rate of each operation allows since its last tick.

        After a kill -9 its documents are asked for again; each knows the generation it was in, so
        that none is begun twice. Raises DependencyUnavailableError.
        """
        async with self._database.transaction() as tx:
            live = await bulk.live(tx)
        for operation_id in live:
            async with self._database.transaction() as tx:
                operation = await bulk.hold(tx, operation_id)
                if operation is not None and (limit := await self._allowance(tx, operation)):
                    await self._advance(tx, operation, limit)

    async def _advance(self, tx: Transaction, operation: dict[str, Any], limit: int) -> None:
        items = await bulk.next_items(tx, operation["id"], limit=limit)
        noted = [(item["position"], *await self._do(operation, item)) for item in items]
        await bulk.note(tx, operation["id"], noted)
        await bulk.tick(
            tx,
            operation["id"],
            status="completed" if len(items) < limit else "running",
            done=sum(outcome == "done" for _, outcome, _ in noted),
            skipped=_added(operation["skipped"], noted),
            now=self._clock.now(),
        )

    async def _allowance(self, tx: Transaction, operation: dict[str, Any]) -> int:
        """Return how many documents may be touched now; 0 lets the time since the last add up."""
        ticked = operation["ticked_at"]
        passed = math.inf if ticked is None else (self._clock.now() - ticked).total_seconds()
        allowed = _CHUNK if passed == math.inf else int(operation["rate_per_s"] * passed)
        allowed = min(allowed, _CHUNK, max(1, int(operation["rate_per_s"])))
        if operation["kind"] == BulkKind.CANCEL:
            return allowed
        room = int(operation["max_in_work"]) - await bulk.in_work(tx, operation["id"])
        return max(0, min(allowed, room))

    async def _do(self, operation: dict[str, Any], item: dict[str, Any]) -> tuple[str, str | None]:
        try:
            if operation["kind"] == BulkKind.CANCEL:
                await self._lifecycle.cancel(item["document_id"], owner=item["owner"])
            else:
                await self._reprocess(operation, item)
        except InWorkError:
            done = await self._is_begun(item)
            return ("done", None) if done else ("skipped", "document_in_work")
        except RefusedError as error:
            return "skipped", error.code.lower()
        return "done", None

    async def _reprocess(self, operation: dict[str, Any], item: dict[str, Any]) -> None:
        wish = Wish(
            requested_by=operation["actor"],
            from_stage=Stage(operation["from_stage"]),
            priority=Priority(operation["priority"]) if operation["priority"] else None,
            after_generation=item["generation"],
        )
        await self._reprocessing.reprocess(item["document_id"], wish, owner=item["owner"])

    async def _is_begun(self, item: dict[str, Any]) -> bool:
        """Whether this order, or somebody else since then, has begun the next generation."""
        document = await self._lifecycle.find(item["document_id"], owner=item["owner"])
        return document.generation > int(item["generation"])


def _row(operation_id: UUID, order: BulkOrder, now: datetime) -> dict[str, Any]:
    reprocess = order.kind is BulkKind.REPROCESS
    return {
        "id": operation_id,
        "kind": order.kind,
        "status": "pending",
        "actor": order.actor,
        "selector": order.selector,
        "from_stage": order.from_stage if reprocess else None,
        "priority": order.priority if reprocess else None,
        "rate_per_s": order.rate_per_s,
        "max_in_work": order.max_in_work,
        "reason": order.reason,
        "matched": 0,
        "created_at": now,
        "finished_at": None,
    }


def _added(skipped: dict[str, int], noted: Sequence[tuple[int, str, str | None]]) -> dict[str, int]:
    more = Counter(detail for _, outcome, detail in noted if outcome == "skipped" and detail)
    return dict(Counter(skipped) + more)


async def _earlier(
    tx: Transaction, claim: IdempotencyClaim, operation_id: UUID, *, at: datetime
) -> UUID | None:
    """Take the key for *operation_id*; return the operation that has it already."""
    earlier = await idempotency.claim(tx, claim, document_id=operation_id, at=at)
    if earlier is None:
        return None
    earlier.require(claim.fingerprint)
    return earlier.document_id


async def _known(
    tx: Transaction, operation_id: UUID, actor: str, *, lock: bool = False
) -> dict[str, Any]:
    row = await bulk.find(tx, operation_id, actor=actor, lock=lock)
    if row is None:
        raise BulkOperationNotFoundError("There is no such operation.")
    return row
