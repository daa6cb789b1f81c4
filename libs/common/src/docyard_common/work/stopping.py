"""Stops the work on a document: cancel and delete, whatever state its work is in."""

from uuid import UUID

from docyard_common.database.pool import Transaction
from docyard_common.events.stages import Stage
from docyard_common.work.schema import CHANNEL

_EVERY_GENERATION = 2**31 - 1

_NEWER = """
select where exists (
    select from work where document_id = %(id)s and generation > %(asked)s
) or exists (
    select from stage_runs where document_id = %(id)s and generation > %(asked)s
)
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
_REMOVE = "delete from work where document_id = %s and generation < %s and state <> 'running'"
_STOP = """
update work set cancelled = true
where document_id = %s and generation < %s and state = 'running'
"""
_ERASE = """
insert into erasures (document_id, prefix, kind, generation, due_at)
values (%s, %s, %s, %s, now() + %s * interval '1 second')
on conflict (document_id, prefix, kind) do update set
    due_at = excluded.due_at, passes_left = 2, generation = excluded.generation
"""


async def cancel(
    tx: Transaction,
    document_id: UUID,
    *,
    artifacts: str,
    generation: int = 1,
    has_result: bool = False,
) -> int | None:
    """Stop all work on *document_id* up to *generation*; the caller holds its lock.

    Returns the generation that ends here, or None when there is nothing to stop: it is completed,
    cancelled or deleted already, or a newer one has begun, which an older command does not mean.
    Work of *generation* that comes later finds it ended. *artifacts* is a format with
    `{generation}`: the prefix to erase. *has_result* says that an earlier generation is whole: the
    index keeps what it holds.
    """
    asked = {"id": document_id, "asked": generation}
    if (await tx.execute(_NEWER, asked)).rowcount > 0:
        return None
    done = await tx.execute(_COMPLETED, (document_id, generation, Stage.INDEX))
    if await done.fetchone() is not None:
        return None
    if (await tx.execute(_MARK, (document_id, generation, False))).rowcount == 0:
        return None
    await _stop(tx, document_id)
    prefix = artifacts.format(generation=generation)
    kind = "artifacts" if has_result else "generation"
    await tx.execute(_ERASE, (document_id, prefix, kind, generation, 0))
    return generation


async def supersede(tx: Transaction, document_id: UUID, generation: int) -> None:
    """End all that is left of the generations below *generation*, for good; idempotent.

    Their dead rows go, and no redelivery or replay can bring them back. A run that is still at
    work learns it with its next heartbeat: telling it at once would also hit this generation's.
    """
    await tx.execute(_MARK, (document_id, generation - 1, False))
    await tx.execute(_REMOVE, (document_id, generation))
    await tx.execute(_STOP, (document_id, generation))


async def remove_older(
    tx: Transaction, document_id: UUID, *, prefix: str, below: int, delay_s: float
) -> None:
    """Have the artifacts of generations under *below* removed after *delay_s*; idempotent."""
    await tx.execute(_ERASE, (document_id, prefix, "older", below, delay_s))


async def forget(tx: Transaction, document_id: UUID, *, prefix: str) -> None:
    """Stop all work on a deleted document, for every generation there may ever be; idempotent."""
    await tx.execute(_MARK, (document_id, _EVERY_GENERATION, True))
    await _stop(tx, document_id)
    await tx.execute("delete from stage_runs where document_id = %s", (document_id,))
    await tx.execute(_ERASE, (document_id, prefix, "document", None, 0))


async def _stop(tx: Transaction, document_id: UUID) -> None:
    await tx.execute(_REMOVE, (document_id, _EVERY_GENERATION))
    await tx.execute(_STOP, (document_id, _EVERY_GENERATION))
    await tx.execute("select pg_notify(%s, %s)", (CHANNEL, f"cancel:{document_id}"))
