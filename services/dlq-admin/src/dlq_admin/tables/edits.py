"""What an edit changes in an entry."""

from typing import Any
from uuid import UUID

from docyard_common.database import Transaction
from docyard_common.events.work import StageRequested

_ADOPT = """
update entries set document_id = %(document_id)s, owner = %(owner)s, seq = %(seq)s,
                   generation = %(generation)s
where id = %(id)s and document_id is null and not exists (
    select 1 from entries other
    where other.document_id = %(document_id)s and other.stage = entries.stage)
"""
_MARK_REPLAYED = """
update entries set state = 'replayed', replay_id = %s, replay_count = replay_count + 1,
                   replayed_at = now()
where id = %s returning *
"""


async def adopt(tx: Transaction, entry_id: UUID, event: StageRequested) -> bool:
    """Give an entry without a document that of *event*; False if the document has another one."""
    values = {
        "id": entry_id,
        "document_id": event.document_id,
        "owner": event.owner,
        "seq": event.seq,
        "generation": event.generation,
    }
    return (await tx.execute(_ADOPT, values)).rowcount == 1


async def mark_replayed(tx: Transaction, entry_id: UUID, replay_id: UUID) -> dict[str, Any]:
    """Mark the entry as sent by *replay_id* and return it."""
    row = await (await tx.execute(_MARK_REPLAYED, (replay_id, entry_id))).fetchone()
    assert row is not None  # noqa: S101 - the caller holds its lock
    return row
