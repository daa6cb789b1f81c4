"""What became of documents that have failed: retries, successes, erasure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from docyard_common.database import Transaction
from docyard_common.events.documents import StageRetrying

_KNOWN = """
select document_id from entries where document_id = any(%(ids)s)
union select document_id from stage_outcomes where document_id = any(%(ids)s)
union select document_id from retries where document_id = any(%(ids)s)
"""
_WATCH = """
insert into stage_outcomes (document_id, stage, finished_seq, at) values (%s, %s, -1, %s)
on conflict (document_id, stage) do update set at = greatest(stage_outcomes.at, excluded.at)
"""
_FINISHED = """
update stage_outcomes set finished_seq = greatest(finished_seq, %(seq)s), at = %(at)s
where document_id = %(document_id)s and (%(stage)s::text is null or stage = %(stage)s)
"""
_ADD_RETRY = """
insert into retries (document_id, stage, seq, attempt, reason, message, at, mode, next_mode,
    peak_memory_bytes)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) on conflict do nothing
"""
_FORGET_RETRIES = """
delete from retries r where document_id = %(document_id)s
  and (%(stage)s::text is null or stage = %(stage)s)
  and not exists (select 1 from entries e
                  where e.document_id = r.document_id and e.stage = r.stage)
"""
_FINISHED_SEQ = "select finished_seq from stage_outcomes where document_id = %s and stage = %s"
_IS_ERASED = "select 1 from erased where document_id = %s"
_ERASE: Final = (
    "insert into erased (document_id, erased_at) values (%(id)s, %(at)s) on conflict do nothing",
    "delete from entries where document_id = %(id)s",
    "delete from retries where document_id = %(id)s",
    "delete from stage_outcomes where document_id = %(id)s",
)
_MESSAGE_CHARACTERS: Final = 2_000


async def known(tx: Transaction, document_ids: Sequence[UUID]) -> set[UUID]:
    """Return those of *document_ids* that have an entry, a failure or a retry."""
    cursor = await tx.execute(_KNOWN, {"ids": list(document_ids)})
    return {row["document_id"] for row in await cursor.fetchall()}


async def watch(tx: Transaction, document_id: UUID, stage: str, *, at: datetime) -> None:
    """Remember successes of the stage from here on: its dead letter may be indexed after them."""
    await tx.execute(_WATCH, (document_id, stage, at))


async def finished(
    tx: Transaction, document_id: UUID, stage: str | None, *, seq: int, at: datetime
) -> None:
    """Note that *stage* (None: every stage) has succeeded at position *seq*."""
    values = {"document_id": document_id, "stage": stage, "seq": seq, "at": at}
    await tx.execute(_FINISHED, values)
    await tx.execute(_FORGET_RETRIES, values)


async def finished_seq(tx: Transaction, document_id: UUID, stage: str) -> int:
    """Return the position of the newest known success; -1 without one."""
    cursor = await tx.execute(_FINISHED_SEQ, (document_id, stage))
    row = await cursor.fetchone()
    return -1 if row is None else int(row["finished_seq"])


async def add_retry(tx: Transaction, event: StageRetrying) -> None:
    """Keep an attempt that failed: part of the history of a dead letter that may follow."""
    message = event.message.replace("\0", "")[:_MESSAGE_CHARACTERS]
    values = (event.document_id, event.stage, event.seq, event.attempt, event.reason, message)
    run = event.run
    used = (run.mode, event.next_mode, run.peak_memory_bytes) if run else (None, None, None)
    await tx.execute(_ADD_RETRY, (*values, event.at, *used))


async def is_erased(tx: Transaction, document_id: UUID) -> bool:
    cursor = await tx.execute(_IS_ERASED, (document_id,))
    return await cursor.fetchone() is not None


async def erase(tx: Transaction, document_id: UUID, *, at: datetime) -> None:
    """Remove all that is held of a document, and let no late dead letter bring it back."""
    for statement in _ERASE:
        await tx.execute(statement, {"id": document_id, "at": at})
