"""Stops the work on a document: cancel and delete, whatever state its work is in."""

from uuid import UUID

from docyard_common.database.pool import Transaction
from docyard_common.events.stages import Stage
from docyard_common.work.schema import CHANNEL

_GENERATION = """
select greatest(
    (select max(generation) from work where document_id = %(id)s),
    (select max(generation) from stage_runs where document_id = %(id)s),
    1
) as generation
"""
_COMPLETED = """
select from stage_runs where document_id = %s and generation = %s and stage = %s
    and outcome = 'done'
"""
_MARK = """
insert into cancellations (document_id, generation, deleted) values (%s, %s, %s)
on conflict (document_id) do update set
    generation = greatest(cancellations.generation, excluded.generation),
    deleted = cancellations.deleted or excluded.deleted, at = now()
where cancellations.generation < excluded.generation
    or excluded.deleted and not cancellations.deleted
"""
_REMOVE = "delete from work where document_id = %s and state <> 'running'"
_STOP = "update work set cancelled = true where document_id = %s and state = 'running'"
_ERASE = """
insert into erasures (document_id, prefix, generation) values (%s, %s, %s)
on conflict (document_id, prefix) do update set due_at = now(), passes_left = 2
"""


async def cancel(tx: Transaction, document_id: UUID, *, artifacts: str) -> int | None:
    """Stop all work on *document_id*; the caller holds its lock.

    Returns the generation that ends here, or None when there is nothing to stop: it is completed,
    cancelled or deleted already. *artifacts* is a format with `{generation}`: the prefix to erase.
    """
    cursor = await tx.execute(_GENERATION, {"id": document_id})
    row = await cursor.fetchone()
    generation = int(row["generation"]) if row else 1
    done = await tx.execute(_COMPLETED, (document_id, generation, Stage.INDEX))
    if done.rowcount:
        return None
    if (await tx.execute(_MARK, (document_id, generation, False))).rowcount == 0:
        return None
    await _stop(tx, document_id)
    prefix = artifacts.format(generation=generation)
    await tx.execute(_ERASE, (document_id, prefix, generation))
    return generation


async def forget(tx: Transaction, document_id: UUID, *, prefix: str) -> None:
    """Stop all work on a deleted document, for every generation there may ever be; idempotent."""
    await tx.execute(_MARK, (document_id, 2**31 - 1, True))
    await _stop(tx, document_id)
    await tx.execute("delete from stage_runs where document_id = %s", (document_id,))
    await tx.execute(_ERASE, (document_id, prefix, None))


async def _stop(tx: Transaction, document_id: UUID) -> None:
    await tx.execute(_REMOVE, (document_id,))
    await tx.execute(_STOP, (document_id,))
    await tx.execute("select pg_notify(%s, %s)", (CHANNEL, f"cancel:{document_id}"))
