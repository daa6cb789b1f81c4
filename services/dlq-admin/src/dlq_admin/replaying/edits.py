"""Single entries: discard, restore, and a replay of an edited copy; and the note of an export."""

import hashlib
import json
from typing import Any, Final
from uuid import UUID

from dlq_admin.domain.entries import EntryState
from dlq_admin.domain.replays import ReplayOrder, ReplayStatus, Selection
from dlq_admin.errors import EditRefusedError, NotFoundError, StateForbidsError
from dlq_admin.replaying.orders import placed_before
from dlq_admin.replaying.records import edited_event, edited_record
from dlq_admin.tables import audit, edits, entries, replays, settling
from dlq_admin.tables.audit import Deed
from docyard_common.database import Database, Transaction, lock_document
from docyard_common.events.work import StageRequested
from docyard_common.ids import uuid7
from docyard_common.observability import metrics
from docyard_common.outbox import Outbox

_EDITABLE: Final = (EntryState.OPEN, EntryState.PARKED)
_EDIT_RATE_PER_S: Final = 1.0


class Entries:
    """Acts on one entry at a time; every deed is in the audit log."""

    def __init__(self, database: Database, *, outbox: Outbox) -> None:
        self._database = database
        self._outbox = outbox

    async def discard(self, entry_id: UUID, *, deed: Deed) -> None:
        """Give the entry up, for `deed.reason`; again is no change.

        Raises NotFoundError, StateForbidsError for what is resolved or held by a replay.
        """
        async with self._database.transaction() as tx:
            entry = await _locked(tx, entry_id)
            if entry["state"] == EntryState.DISCARDED:
                return
            stage = await settling.discard(tx, entry_id, by=deed.actor, reason=deed.reason or "")
            if stage is None:
                raise StateForbidsError("entry", state=entry["state"], wanted="discarded")
            await audit.add(tx, deed)
        metrics.DLQ_DISCARDS.labels(stage).inc()

    async def restore(self, entry_id: UUID, *, deed: Deed) -> None:
        """Open a discarded or parked entry; an open one stays as it is.

        Raises NotFoundError, StateForbidsError.
        """
        async with self._database.transaction() as tx:
            entry = await _locked(tx, entry_id)
            if entry["state"] == EntryState.OPEN:
                return
            if await settling.restore(tx, entry_id) is None:
                raise StateForbidsError("entry", state=entry["state"], wanted="restored")
            await audit.add(tx, deed)

    async def edit_and_replay(
        self,
        entry_id: UUID,
        value: dict[str, Any],
        *,
        deed: Deed,
        idempotency_key: str | None = None,
    ) -> dict[str, Any]:
        """Send a copy with another value at once; return the replay, which is over.

        The same idempotency key gives the same replay. Raises NotFoundError, StateForbidsError
        unless it is open or parked, EditRefusedError, KeyReusedError.
        """
        order = _order(entry_id, value, deed, idempotency_key)
        async with self._database.transaction() as tx:
            known = await placed_before(tx, order)
            if known is not None:
                return known
            entry = await self._editable(tx, entry_id)
            event = edited_event(entry, value)
            if entry["document_id"] is None:
                await self._adopt(tx, entry, event)
            replay_id = uuid7()
            row = await replays.add(
                tx,
                replay_id,
                order,
                status=ReplayStatus.COMPLETED,
                counts={"matched": 1, "moved": 1, "skipped": {}},
            )
            await replays.add_items(tx, replay_id, [(entry_id, "moved", "edited")])
            sent = await edits.mark_replayed(tx, entry_id, replay_id)
            await self._outbox.add(tx, edited_record(sent, event, replay_id))
            await audit.add(tx, deed)
        metrics.DLQ_REPLAYS.labels("moved").inc()
        return row

    async def note_export(self, *, deed: Deed) -> None:
        """Write down that somebody took values and headers out."""
        async with self._database.transaction() as tx:
            await audit.add(tx, deed)

    async def _editable(self, tx: Transaction, entry_id: UUID) -> dict[str, Any]:
        document_id = await entries.document_of(tx, entry_id)
        if document_id is not None:
            await lock_document(tx, document_id)
        entry = await _locked(tx, entry_id)
        if entry["state"] not in _EDITABLE:
            raise StateForbidsError("entry", state=entry["state"], wanted="edited and replayed")
        return entry

    async def _adopt(self, tx: Transaction, entry: dict[str, Any], event: StageRequested) -> None:
        """Make the entry of a record that did not decode the entry of the document it is about."""
        await lock_document(tx, event.document_id)
        if not await edits.adopt(tx, entry["id"], event):
            message = "That document has an entry of this stage: replay that one."
            raise EditRefusedError("document_id", message)


async def _locked(tx: Transaction, entry_id: UUID) -> dict[str, Any]:
    entry = await entries.lock(tx, entry_id)
    if entry is None:
        raise NotFoundError("entry")
    return entry


def _order(
    entry_id: UUID, value: dict[str, Any], deed: Deed, idempotency_key: str | None
) -> ReplayOrder:
    digest = hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
    described = {"entry_ids": [str(entry_id)], "edited": True, "value_sha256": digest}
    return ReplayOrder(
        selection=Selection(described, entry_ids=(entry_id,)),
        actor=deed.actor,
        reason=deed.reason or "",
        rate_per_s=_EDIT_RATE_PER_S,
        request_id=deed.request_id,
        idempotency_key=idempotency_key,
    )
