"""Ends a run: every statement is guarded by the fence, so who lost the lease writes nothing."""

from docyard_common.database.pool import Transaction
from docyard_common.delivery.outcome import Failure
from docyard_common.errors import SupersededError
from docyard_common.work.model import Lease

# The statements below are joined from these constants alone.
_MINE = """
where document_id = %(document_id)s and generation = %(generation)s and stage = %(stage)s
    and fence = %(fence)s and state = 'running' and not cancelled
"""
_REMOVE = "delete from work" + _MINE  # noqa: S608 - see above
_POSTPONE = (
    """
update work set state = 'waiting', attempt = attempt + 1, deliveries = 0, lease_until = null,
    due_at = now() + %(delay_s)s * interval '1 second', last_reason = %(reason)s,
    first_failed_at = coalesce(first_failed_at, now())
"""
    + _MINE
)
_RELEASE = (
    """
update work set state = 'waiting', deliveries = greatest(deliveries - 1, 0), lease_until = null,
    due_at = now() + %(delay_s)s * interval '1 second'
"""
    + _MINE
)
_BURY = (
    """
update work set state = 'dead', lease_until = null, last_reason = %(reason)s,
    first_failed_at = coalesce(first_failed_at, now())
"""
    + _MINE
)
_DISCARD = """
delete from work where document_id = %(document_id)s and generation = %(generation)s
    and stage = %(stage)s and fence = %(fence)s and cancelled
"""
_REMEMBER = """
insert into stage_runs (document_id, generation, stage, fence, attempt, outcome, reason, message,
    worker, started_at)
values (%(document_id)s, %(generation)s, %(stage)s, %(fence)s, %(attempt)s, %(outcome)s,
    %(reason)s, %(message)s, %(worker)s, %(started_at)s)
on conflict do nothing
"""


async def remove(tx: Transaction, lease: Lease) -> None:
    """Remove the row of a stage that is done; the history stays. Raises SupersededError."""
    await _guarded(tx, _REMOVE, lease)
    await _remember(tx, lease, "done")


async def postpone(tx: Transaction, lease: Lease, *, delay_s: float, failure: Failure) -> None:
    """Wait *delay_s* for the next attempt. Raises SupersededError."""
    await _guarded(tx, _POSTPONE, lease, delay_s=delay_s, reason=failure.reason)
    await _remember(tx, lease, "retry", failure)


async def release(tx: Transaction, lease: Lease, *, delay_s: float = 0.0) -> None:
    """Give the row back as if it had not been picked. Raises SupersededError."""
    await _guarded(tx, _RELEASE, lease, delay_s=delay_s)


async def bury(tx: Transaction, lease: Lease, *, failure: Failure) -> None:
    """Keep the row as dead until somebody replays it. Raises SupersededError."""
    await _guarded(tx, _BURY, lease, reason=failure.reason)
    await _remember(tx, lease, "dead", failure)


async def discard(tx: Transaction, lease: Lease) -> None:
    """Remove the row if it was cancelled while this run had it; nothing otherwise."""
    await tx.execute(_DISCARD, _parameters(lease))


async def _guarded(tx: Transaction, statement: str, lease: Lease, **extra: object) -> None:
    cursor = await tx.execute(statement, {**_parameters(lease), **extra})
    if cursor.rowcount != 1:
        raise SupersededError(f"{lease.key.stage} of {lease.key.document_id} is no longer mine")


async def _remember(
    tx: Transaction, lease: Lease, outcome: str, failure: Failure | None = None
) -> None:
    parameters = {
        **_parameters(lease),
        "attempt": lease.attempt,
        "outcome": outcome,
        "reason": failure.reason if failure else None,
        "message": failure.message.replace("\x00", "") if failure else None,
        "worker": lease.worker,
        "started_at": lease.started_at,
    }
    await tx.execute(_REMEMBER, parameters)


def _parameters(lease: Lease) -> dict[str, object]:
    key = lease.key
    return {
        "document_id": key.document_id,
        "generation": key.generation,
        "stage": key.stage,
        "fence": lease.fence,
    }
