"""Puts work back whose record or facts were lost with Kafka; what is on its way is left alone."""

from uuid import UUID

from docyard_common.database.pool import Transaction
from docyard_common.events.stages import Stage
from docyard_common.work.model import WorkKey

_CANCELLED = "select from cancellations where document_id = %s and generation = %s"
_COMPLETED = """
select from stage_runs where document_id = %s and generation = %s and stage = %s
    and outcome in ('done', 'reused') and ended_at > to_timestamp(%s / 1000.0)
"""
_GOING_ON = """
select from work where document_id = %s and generation = %s and state in ('waiting', 'running')
"""
_WAKE = """
update work set state = 'waiting', due_at = now(), waiting_since = now(), attempt = 1,
    deliveries = 0, lease_until = null, worker = null
where document_id = %s and generation = %s and state = 'dead'
"""
_FENCE = """
update work set fence = greatest(fence, (
    select coalesce(max(fence), 0) from stage_runs
    where document_id = %(document_id)s and generation = %(generation)s and stage = %(stage)s
))
where document_id = %(document_id)s and generation = %(generation)s and stage = %(stage)s
    and state = 'waiting'
"""


async def was_cancelled(tx: Transaction, document_id: UUID, generation: int) -> bool:
    """Whether *generation* was cancelled: then only the news of it can be lost."""
    return (await tx.execute(_CANCELLED, (document_id, generation))).rowcount > 0


async def completed_since(
    tx: Transaction, document_id: UUID, generation: int, *, timestamp_ms: int
) -> bool:
    """Whether *generation* was completed after *timestamp_ms*: what told of that is not lost."""
    place = (document_id, generation, Stage.INDEX, timestamp_ms)
    return (await tx.execute(_COMPLETED, place)).rowcount > 0


async def goes_on(tx: Transaction, document_id: UUID, generation: int) -> bool:
    """Whether work of *generation* waits or runs; a dead row is set waiting, to tell its end again.

    The caller holds the document's lock.
    """
    place = (document_id, generation)
    if (await tx.execute(_GOING_ON, place)).rowcount > 0:
        return True
    return (await tx.execute(_WAKE, place)).rowcount > 0


async def follow_earlier_runs(tx: Transaction, key: WorkKey) -> None:
    """Let the runs of a row that was put back be newer than all that was told of its stage."""
    parameters = {
        "document_id": key.document_id,
        "generation": key.generation,
        "stage": key.stage,
    }
    await tx.execute(_FENCE, parameters)
