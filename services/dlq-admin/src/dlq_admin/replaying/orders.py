"""Takes orders: what is replayed is fixed, and held, in the transaction that takes the order."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from dlq_admin.domain.entries import SKIPPED_BECAUSE, EntryState
from dlq_admin.domain.replays import Candidate, ReplayOrder, ReplayStatus
from dlq_admin.errors import KeyReusedError, NotFoundError, StateForbidsError
from dlq_admin.tables import audit, replays
from dlq_admin.tables.audit import Deed
from docyard_common.clock import Clock
from docyard_common.database import Database, Transaction
from docyard_common.ids import uuid7
from docyard_common.observability import metrics

_SAMPLES: Final = 10


class Orders:
    """Makes replays, pauses, resumes and cancels them."""

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def place(self, order: ReplayOrder) -> dict[str, Any]:
        """Make the replay of *order* and let it hold what it is to move; return its row.

        The same idempotency key gives the same replay. Entries that another replay holds, or that
        are not open, are skipped with their reason. A dry run only counts. Raises KeyReusedError.
        """
        async with self._database.transaction() as tx:
            known = await placed_before(tx, order)
            if known is not None:
                return known
            # What fails after this moment is not meant, least of all failures of this replay.
            found = await replays.candidates(tx, order, bound=self._clock.now())
            row = await _make(tx, order, found)
            await audit.add(tx, _deed(order, row))
        _count(row)
        return row

    async def pause(self, replay_id: UUID, *, deed: Deed) -> dict[str, Any]:
        """Stop moving until resumed. Raises NotFoundError, StateForbidsError once it is over."""
        return await self._change(replay_id, ReplayStatus.PAUSED, deed)

    async def resume(self, replay_id: UUID, *, deed: Deed) -> dict[str, Any]:
        """Go on. Raises NotFoundError, StateForbidsError once it is over."""
        return await self._change(replay_id, ReplayStatus.PENDING, deed)

    async def cancel(self, replay_id: UUID, *, deed: Deed) -> dict[str, Any]:
        """End it: what was sent stays sent, the rest is open again.

        Raises NotFoundError, StateForbidsError when it has ended otherwise.
        """
        return await self._change(replay_id, ReplayStatus.CANCELLED, deed)

    async def _change(self, replay_id: UUID, wanted: ReplayStatus, deed: Deed) -> dict[str, Any]:
        async with self._database.transaction() as tx:
            row = await replays.get(tx, replay_id, lock=True)
            if row is None:
                raise NotFoundError("replay")
            status = ReplayStatus(row["status"])
            if _is_already(status, wanted):
                return row
            if status.is_final:
                raise StateForbidsError("replay", state=status, wanted=deed.operation)
            if wanted is ReplayStatus.CANCELLED:
                await replays.release(tx, replay_id)
            row = await replays.set_status(tx, replay_id, wanted)
            await audit.add(tx, deed)
            return row


async def placed_before(tx: Transaction, order: ReplayOrder) -> dict[str, Any] | None:
    """Return the replay that the idempotency key of *order* stands for; None: there is none yet.

    The same key waits for this transaction. Raises KeyReusedError where it was another order's.
    """
    if order.idempotency_key is None:
        return None
    row = await replays.by_key(tx, order.actor, order.idempotency_key)
    if row is not None and row["request_hash"] != order.request_hash:
        raise KeyReusedError(row["id"])
    return row


def _is_already(status: ReplayStatus, wanted: ReplayStatus) -> bool:
    goes_on = {ReplayStatus.PENDING, ReplayStatus.RUNNING}
    return status is wanted or (wanted in goes_on and status in goes_on)


async def _make(tx: Transaction, order: ReplayOrder, found: Sequence[Candidate]) -> dict[str, Any]:
    replay_id = uuid7()
    items = [*_items(order, found), *_missing(order, found)]
    taken = {entry_id for entry_id, outcome, _ in items if outcome == "waiting"}
    skipped = Counter(detail for _, _, detail in items if detail is not None)
    counts: dict[str, Any] = {"matched": len(items), "skipped": dict(skipped)}
    if order.dry_run:
        counts["preview"] = _preview(order, [c for c in found if c.entry_id in taken])
    status = ReplayStatus.PENDING if taken and not order.dry_run else ReplayStatus.COMPLETED
    row = await replays.add(tx, replay_id, order, status=status, counts=counts)
    if not order.dry_run:
        await replays.claim(tx, replay_id, list(taken))
        await replays.add_items(tx, replay_id, items)
    return row


def _items(order: ReplayOrder, found: Sequence[Candidate]) -> list[tuple[UUID, str, str | None]]:
    """Return (entry, outcome, detail): what is open waits, the rest is skipped for a reason."""
    eligible = {EntryState.OPEN} | ({EntryState.PARKED} if order.selection.names_parked else set())
    return [
        (found_one.entry_id, "waiting", None)
        if found_one.state in eligible
        else (found_one.entry_id, "skipped", SKIPPED_BECAUSE[found_one.state])
        for found_one in found
    ]


def _missing(order: ReplayOrder, found: Sequence[Candidate]) -> list[tuple[UUID, str, str | None]]:
    there = {candidate.entry_id for candidate in found}
    absent = [entry_id for entry_id in order.selection.entry_ids if entry_id not in there]
    return [(entry_id, "skipped", "not_found") for entry_id in dict.fromkeys(absent)]


def _preview(order: ReplayOrder, taken: Sequence[Candidate]) -> dict[str, Any]:
    groups = Counter((c.fingerprint, c.stage, c.reason) for c in taken)
    return {
        "eligible": len(taken),
        "groups": [
            {"fingerprint": key[0], "stage": key[1], "reason": key[2], "count": count}
            for key, count in groups.most_common()
        ],
        "sample_ids": [str(c.entry_id) for c in taken[:_SAMPLES]],
        "estimated_s": round(len(taken) / order.rate_per_s, 1),
    }


def _deed(order: ReplayOrder, row: dict[str, Any]) -> Deed:
    return Deed(
        actor=order.actor,
        operation="replay.dry_run" if order.dry_run else "replay.create",
        selector={"replay_id": str(row["id"]), **order.selection.described},
        request_id=order.request_id,
        counts={"matched": row["matched"], "skipped": row["skipped"]},
        reason=order.reason,
    )


def _count(row: dict[str, Any]) -> None:
    if not row["dry_run"]:
        metrics.DLQ_REPLAYS.labels("skipped").inc(sum(row["skipped"].values()))
