"""Ends a run: every statement is guarded by the fence, so who lost the lease writes nothing.

Each answers a Hold, to be confirmed before the commit: the statements of a settlement can then go
to the server together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import AsyncCursor

from docyard_common.database.pool import Transaction
from docyard_common.delivery.ladder import Mode
from docyard_common.delivery.outcome import Failure
from docyard_common.errors import SupersededError
from docyard_common.events.stages import Stage
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
    mode = %(next_mode)s, first_failed_at = coalesce(first_failed_at, now())
"""
    + _MINE
)
_RELEASE = (
    """
update work set state = 'waiting', deliveries = greatest(deliveries - 1, 0), lease_until = null,
    due_at = now() + %(delay_s)s * interval '1 second',
    waiting_since = case when %(delay_s)s > 0 then now() else waiting_since end
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
_REMEMBERED = """
with mine as ({change} returning document_id)
insert into stage_runs (document_id, generation, stage, fence, attempt, outcome, reason, message,
    worker, started_at, waited_s, mode, pages, peak_memory_bytes)
select document_id, %(generation)s, %(stage)s, %(fence)s, %(attempt)s, %(outcome)s,
    %(reason)s, %(message)s, %(worker)s, %(started_at)s, %(waited_s)s, %(mode)s, %(pages)s,
    %(peak_memory_bytes)s
from mine
"""
_LADDER = """
select attempt, mode, outcome, reason, message, started_at, ended_at, peak_memory_bytes
from stage_runs where document_id = %(document_id)s and generation = %(generation)s
    and stage = %(stage)s and fence < %(fence)s
order by fence
"""
_TAKEN_OVER = """
insert into stage_runs (document_id, generation, stage, fence, attempt, outcome, worker, started_at)
select document_id, generation, %(other)s, fence, attempt, 'reused', worker, started_at
from stage_runs where document_id = %(document_id)s and generation = %(generation)s
    and stage = %(stage)s and fence = %(fence)s and outcome = 'done'
on conflict do nothing
"""
_DISCARD = """
delete from work where document_id = %(document_id)s and generation = %(generation)s
    and stage = %(stage)s and fence = %(fence)s and cancelled
"""


@dataclass(frozen=True)
class Hold:
    """Whether a settlement found its row; known once the statement has run, pipelined or not."""

    lease: Lease
    cursor: AsyncCursor[Any]

    def confirm(self) -> None:
        """Raise SupersededError, before the commit, when the row was no longer this run's."""
        if self.cursor.rowcount != 1:
            key = self.lease.key
            raise SupersededError(f"{key.stage} of {key.document_id} is no longer mine")


async def remove(tx: Transaction, lease: Lease) -> Hold:
    """Remove the row of a stage that is done; the history stays."""
    return await _remembered(tx, _REMOVE, lease, "done")


async def take_over(tx: Transaction, lease: Lease, stages: Sequence[Stage]) -> None:
    """Note that *stages* need no run: after `remove`, and nothing where that found no row."""
    for stage in stages:
        await tx.execute(_TAKEN_OVER, {**_parameters(lease), "other": stage})


async def postpone(
    tx: Transaction,
    lease: Lease,
    *,
    delay_s: float,
    failure: Failure,
    mode: Mode = Mode.STANDARD,
) -> Hold:
    """Wait *delay_s* for the next attempt, which runs in *mode*."""
    return await _remembered(
        tx, _POSTPONE, lease, "retry", failure, delay_s=delay_s, next_mode=mode
    )


async def release(tx: Transaction, lease: Lease, *, delay_s: float = 0.0) -> Hold:
    """Give the row back as if it had not been picked, no attempt burnt.

    After *delay_s* it stands behind what waits of its owner: where it alone gets no answer of a
    server, the next probe is another row, and finds out that the server is there.
    """
    return Hold(lease, await tx.execute(_RELEASE, {**_parameters(lease), "delay_s": delay_s}))


async def bury(tx: Transaction, lease: Lease, *, failure: Failure) -> Hold:
    """Keep the row as dead until somebody replays it."""
    return await _remembered(tx, _BURY, lease, "dead", failure)


async def ladder(tx: Transaction, lease: Lease) -> list[dict[str, Any]]:
    """Return the runs of this stage that have ended so far, oldest first."""
    cursor = await tx.execute(_LADDER, _parameters(lease))
    return await cursor.fetchall()


async def discard(tx: Transaction, lease: Lease) -> None:
    """Remove the row if it was cancelled while this run had it; nothing otherwise."""
    await tx.execute(_DISCARD, _parameters(lease))


async def _remembered(
    tx: Transaction,
    change: str,
    lease: Lease,
    outcome: str,
    failure: Failure | None = None,
    **extra: object,
) -> Hold:
    parameters = {
        **_parameters(lease),
        "attempt": lease.attempt,
        "outcome": outcome,
        "reason": failure.reason if failure else None,
        "message": failure.message if failure else None,
        "worker": lease.worker,
        "started_at": lease.started_at,
        "waited_s": lease.waited_s,
        "mode": lease.meter.mode,
        "pages": lease.meter.pages,
        "peak_memory_bytes": lease.meter.peak_memory_bytes,
        **extra,
    }
    return Hold(lease, await tx.execute(_REMEMBERED.format(change=change), parameters))


def _parameters(lease: Lease) -> dict[str, object]:
    key = lease.key
    return {
        "document_id": key.document_id,
        "generation": key.generation,
        "stage": key.stage,
        "fence": lease.fence,
    }
