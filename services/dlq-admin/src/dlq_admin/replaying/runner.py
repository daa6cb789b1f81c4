"""Moves the entries of replays, at their rate, under a lease.

Claiming, the outbox row and the mark are one transaction: after a kill -9 each entry is either
sent and marked, or still waiting, and the next runner goes on once the lease has run out.
"""

import asyncio
import logging
import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, TypeAlias
from uuid import UUID

from psycopg import DataError

from dlq_admin.domain.entries import SKIPPED_BECAUSE, EntryState
from dlq_admin.domain.replays import Lease
from dlq_admin.errors import NotReplayableError
from dlq_admin.replaying.records import replay_record, reprocessing, request_of
from dlq_admin.tables import edits, leases, outcomes
from docyard_common.clock import Clock
from docyard_common.database import Database, Transaction, lock_documents
from docyard_common.errors import DependencyUnavailableError, UndecodableRecordError
from docyard_common.events import topics
from docyard_common.events.work import StageRequested
from docyard_common.observability import metrics
from docyard_common.outbox import Outbox

logger = logging.getLogger(__name__)

_LEASE: Final = timedelta(seconds=10)
"""A runner renews it at every tick; after a kill -9 another one goes on when it has run out."""
_TICK_S: Final = 1.0
"""How often replays move; a tick moves what the rate allows for it."""
_MAX_REPLAYS: Final = 16
"""Replays that one runner works on at once; others wait, or go to another replica."""
_CHUNK: Final = 50
"""Entries of one transaction: short locks on their documents."""

_Noted: TypeAlias = tuple[int, str, str | None]
"""Position in the replay, outcome, detail."""


@dataclass(frozen=True)
class _Item:
    """An entry that is to be moved."""

    position: int
    entry_id: UUID
    document_id: UUID | None
    request: StageRequested | None  # of an entry that did not decode when it was indexed

    @property
    def sort_key(self) -> int:
        return self.document_id.int if self.document_id else 0


class Runner:
    """One runner of one replica; every replica has one."""

    def __init__(self, database: Database, *, outbox: Outbox, clock: Clock, owner: str) -> None:
        self._database = database
        self._outbox = outbox
        self._clock = clock
        self._owner = owner
        self._wake = asyncio.Event()
        self._credit: dict[Any, float] = {}

    def wake(self) -> None:
        """Look for replays now."""
        self._wake.set()

    async def run(self) -> None:
        """Move until cancelled; waits out a database that is away."""
        try:
            while True:
                try:
                    await self.tick()
                except DependencyUnavailableError as error:
                    logger.warning("replays.waiting", extra={"error": str(error)})
                await self._pause()
        finally:
            await self._give_back()

    async def tick(self) -> int:
        """Move one second's worth of every replay that is this runner's; return how many.

        Raises DependencyUnavailableError.
        """
        now = self._clock.now()
        async with self._database.transaction() as tx:
            taken = await leases.take(
                tx, self._owner, now=now, until=now + _LEASE, limit=_MAX_REPLAYS
            )
        self._credit = {lease.replay_id: self._allowance(lease) for lease in taken}
        return sum([await self._move(lease) for lease in taken])

    def _allowance(self, lease: Lease) -> float:
        """Return what may be moved: rates below one a second save up for their next entry."""
        saved = self._credit.get(lease.replay_id, 1.0 - min(lease.rate_per_s * _TICK_S, 1.0))
        return min(saved, 1.0) % 1.0 + lease.rate_per_s * _TICK_S

    async def _move(self, lease: Lease) -> int:
        moved = 0
        while (left := math.floor(self._credit[lease.replay_id])) > 0:
            async with self._database.transaction() as tx:
                noted = await self._move_chunk(tx, lease, limit=min(left, _CHUNK))
            if not noted:
                break
            for _, outcome, _ in noted:
                metrics.DLQ_REPLAYS.labels(outcome).inc()
            self._credit[lease.replay_id] -= len(noted)
            moved += len(noted)
        return moved

    async def _move_chunk(self, tx: Transaction, lease: Lease, *, limit: int) -> list[_Noted]:
        if not await leases.hold(tx, lease):
            return []
        rows = await leases.next_items(tx, lease, limit=limit)
        # In the order in which everybody touches entries, so that nobody waits in a circle.
        items = sorted(map(_item, rows), key=lambda item: item.sort_key)
        await lock_documents(tx, [item.document_id for item in items if item.document_id])
        noted = [await self._move_one(tx, lease, item) for item in items]
        await leases.note(tx, lease, noted)
        return noted

    async def _move_one(self, tx: Transaction, lease: Lease, item: _Item) -> _Noted:
        position, entry_id = item.position, item.entry_id
        try:
            async with tx.transaction():
                entry = await leases.take_entry(tx, lease, entry_id)
                if entry is None:
                    return position, "skipped", _skipped(await leases.state_of(tx, entry_id))
                if item.request is not None:
                    await _adopt(tx, entry_id, item.request)
                await self._send(tx, lease, entry)
        except NotReplayableError as error:
            await leases.open_again(tx, lease, entry_id)
            return position, "skipped", error.because
        except (ValueError, DataError, UndecodableRecordError) as error:
            # Rolled back to before this entry: one that can not be sent must not stop the others.
            logger.warning("replay.entry_failed", extra={"entry_id": str(entry_id)}, exc_info=True)
            await leases.open_again(tx, lease, entry_id)
            return position, "failed", type(error).__name__
        return position, "moved", None

    async def _send(self, tx: Transaction, lease: Lease, entry: dict[str, Any]) -> None:
        """Send the record as it came, or have ingest begin its document's next generation."""
        if lease.from_stage is not None:
            now = self._clock.now()
            command = reprocessing(entry, lease.from_stage, by=lease.actor, at=now)
            if command is not None:
                await self._outbox.publish(tx, topics.COMMANDS, command)
                return
        await self._outbox.add(tx, replay_record(entry, lease.replay_id))

    async def _pause(self) -> None:
        if self._credit:
            # Waking early while replays run would move more than their rates allow.
            await asyncio.sleep(_TICK_S)
            return
        try:
            async with asyncio.timeout(_TICK_S):
                await self._wake.wait()
        except TimeoutError:
            return
        finally:
            self._wake.clear()

    async def _give_back(self) -> None:
        try:
            async with self._database.transaction() as tx:
                await leases.give_back(tx, self._owner)
        except DependencyUnavailableError:
            logger.info("replays.leases_left_to_run_out")


def _item(row: dict[str, Any]) -> _Item:
    request = request_of(row)
    document_id = request.document_id if request else row["document_id"]
    return _Item(row["position"], row["entry_id"], document_id, request)


async def _adopt(tx: Transaction, entry_id: UUID, request: StageRequested) -> None:
    """Make an entry that decodes by now that of its document: a success can resolve it then.

    Where the document is erased, or has an entry of this stage, it stays as it is: what becomes of
    the work is told there.
    """
    if not await outcomes.is_erased(tx, request.document_id):
        await edits.adopt(tx, entry_id, request)


def _skipped(state: str | None) -> str:
    """Return why an entry that this replay held is its no more."""
    if state is None:
        return "erased"
    if state == EntryState.OPEN:
        return "failed_again"
    return SKIPPED_BECAUSE[EntryState(state)]
