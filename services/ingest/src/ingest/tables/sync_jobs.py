"""The table `sync_jobs`: folder jobs, who works on them, and how far they are."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from docyard_common.database import Transaction
from docyard_common.errors import SupersededError
from docyard_common.events.stages import Priority
from ingest.folder_job import FolderJob, JobLease, JobOrder, JobState
from ingest.tables.sync_files import Ended

_INSERT: Final = """
insert into sync_jobs (job_id, upload_id, created_by, fingerprint, owner, source_folder, bucket,
    prefix, patterns, watch, process, priority, options, due_at, created_at, updated_at)
values (%(job_id)s, %(upload_id)s, %(created_by)s, %(fingerprint)s, %(owner)s, %(source_folder)s,
    %(bucket)s, %(prefix)s, %(patterns)s, %(watch)s, %(process)s, %(priority)s, %(options)s,
    now(), now(), now())
on conflict do nothing
returning *
"""
_FIND: Final = """
select * from sync_jobs where created_by = %s and upload_id = %s and deleted_at is null
"""
_PAGE: Final = """
select * from sync_jobs
where created_by = %(created_by)s and deleted_at is null
    and (%(before)s::uuid is null or job_id < %(before)s)
    and (%(states)s::text[] is null or state = any(%(states)s))
order by job_id desc limit %(limit)s
"""
_RESTART: Final = """
update sync_jobs set due_at = now(), state = 'PENDING', failure_reason = null, updated_at = now(),
    total_files = 0, completed_files = 0, failed_files = 0, uploaded_bytes = 0, total_bytes = 0
where job_id = %s and state in ('COMPLETED', 'FAILED') and deleted_at is null
returning *
"""
_DELETE: Final = """
update sync_jobs set deleted_at = now(), due_at = null
where created_by = %s and upload_id = %s and deleted_at is null
"""
_WAS_DELETED: Final = """
select from sync_jobs where created_by = %s and upload_id = %s and deleted_at is not null
"""
_PICK: Final = """
with chosen as (
    select job_id from sync_jobs
    where due_at <= now() and deleted_at is null
        and (lease_until is null or lease_until < now())
        and exists (
            select from unnest(%(roots)s::text[]) as root
            where starts_with(source_folder || '/', root)
        )
    order by due_at limit 1 for update skip locked
)
update sync_jobs set fence = fence + 1, worker = %(worker)s,
    lease_until = now() + %(lease_s)s * interval '1 second',
    state = case state when 'PENDING' then 'IN_PROGRESS' else state end,
    passes = passes + (state = 'PENDING')::int, updated_at = now()
from chosen where sync_jobs.job_id = chosen.job_id
returning sync_jobs.*
"""
_HOLD: Final = """
update sync_jobs set lease_until = now() + %s * interval '1 second', updated_at = now()
where job_id = %s and fence = %s and deleted_at is null
returning *
"""
_ADD: Final = """
update sync_jobs set completed_files = completed_files + %s, failed_files = failed_files + %s,
    uploaded_bytes = uploaded_bytes + %s
where job_id = %s
"""
_COUNT: Final = """
update sync_jobs set total_files = c.total, completed_files = c.uploaded, failed_files = c.failed,
    total_bytes = c.bytes, uploaded_bytes = c.uploaded_bytes
from (
    select count(*) as total,
        count(*) filter (where state = 'UPLOADED') as uploaded,
        count(*) filter (where state = 'FAILED') as failed,
        coalesce(sum(size_bytes), 0)::bigint as bytes,
        coalesce(sum(size_bytes) filter (where state = 'UPLOADED'), 0)::bigint as uploaded_bytes
    from sync_files where job_id = %(job_id)s
) as c
where job_id = %(job_id)s
returning sync_jobs.*
"""
_WORK: Final = """
update sync_jobs set state = 'IN_PROGRESS', failure_reason = null, finished_at = null,
    passes = passes + (state in ('COMPLETED', 'FAILED'))::int
where job_id = %s
"""
_END: Final = """
update sync_jobs set state = %(state)s, failure_reason = %(reason)s, waiting_for = null,
    finished_at = case when state = 'IN_PROGRESS' then now() else finished_at end,
    updated_at = now(), lease_until = null, worker = null,
    due_at = now() + %(again_s)s * interval '1 second'
where job_id = %(job_id)s
"""
_RELEASE: Final = """
update sync_jobs set lease_until = null, worker = null,
    due_at = now() + %s * interval '1 second'
where job_id = %s and fence = %s and due_at is not null
"""
_BRING_FORWARD: Final = """
update sync_jobs set due_at = least(due_at, now() + %s * interval '1 second')
where job_id = any(%s) and due_at is not null
"""
_WAKE: Final = "update sync_jobs set due_at = now() where job_id = %s and deleted_at is null"
_WATCHED: Final = """
select job_id, source_folder from sync_jobs
where watch and deleted_at is null and exists (
    select from unnest(%s::text[]) as root where starts_with(source_folder || '/', root)
)
"""
_FORGET: Final = """
delete from sync_jobs where job_id in (
    select job_id from sync_jobs
    where deleted_at < now() - %s * interval '1 second'
        and (lease_until is null or lease_until < now())
    limit 10
)
"""


async def insert(
    tx: Transaction,
    order: JobOrder,
    *,
    job_id: UUID,
    upload_id: str,
    created_by: str,
    fingerprint: str,
) -> FolderJob | None:
    """Add a job that is due at once; None when the creator has one of that id."""
    parameters = vars(order) | {
        "job_id": job_id,
        "upload_id": upload_id,
        "created_by": created_by,
        "fingerprint": fingerprint,
        "patterns": list(order.patterns),
        "options": Jsonb(order.options),
    }
    return _one(await (await tx.execute(_INSERT, parameters)).fetchone())


async def find(tx: Transaction, upload_id: str, *, created_by: str) -> FolderJob | None:
    return _one(await (await tx.execute(_FIND, (created_by, upload_id))).fetchone())


async def find_by_id(tx: Transaction, job_id: UUID) -> FolderJob | None:
    statement = "select * from sync_jobs where job_id = %s and deleted_at is null"
    return _one(await (await tx.execute(statement, (job_id,))).fetchone())


async def page(
    tx: Transaction, *, created_by: str, states: Sequence[str], before: UUID | None, limit: int
) -> list[FolderJob]:
    """Return up to *limit* jobs, newest first, older than *before*."""
    parameters = {
        "created_by": created_by,
        "states": list(states) or None,
        "before": before,
        "limit": limit,
    }
    cursor = await tx.execute(_PAGE, parameters)
    return [_job(row) for row in await cursor.fetchall()]


async def restart(tx: Transaction, job_id: UUID) -> FolderJob | None:
    """Make a job that has ended due again; None when it is under way."""
    return _one(await (await tx.execute(_RESTART, (job_id,))).fetchone())


async def delete(tx: Transaction, upload_id: str, *, created_by: str) -> bool:
    """Mark the job; whoever works on it is superseded. False when there is none."""
    if (await tx.execute(_DELETE, (created_by, upload_id))).rowcount:
        return True
    return (await tx.execute(_WAS_DELETED, (created_by, upload_id))).rowcount > 0


async def pick(
    tx: Transaction, roots: Sequence[str], *, worker: str, lease_s: float
) -> JobLease | None:
    """Take the job that is due longest, for *lease_s* seconds and under the next fence."""
    parameters = {"roots": list(roots), "worker": worker, "lease_s": lease_s}
    row = await (await tx.execute(_PICK, parameters)).fetchone()
    return None if row is None else JobLease(_job(row), row["fence"])


async def hold(tx: Transaction, lease: JobLease, *, lease_s: float) -> FolderJob:
    """Renew *lease* and lock its row until the transaction ends.

    Raises SupersededError when somebody else has the job, or it was deleted.
    """
    cursor = await tx.execute(_HOLD, (lease_s, lease.job.job_id, lease.fence))
    row = await cursor.fetchone()
    if row is None:
        raise SupersededError("the job was deleted or taken over")
    return _job(row)


async def add(tx: Transaction, job_id: UUID, ended: Ended) -> None:
    """Count files that have ended; the row is held."""
    await tx.execute(_ADD, (ended.uploaded, ended.failed, ended.uploaded_bytes, job_id))


async def count(tx: Transaction, job_id: UUID) -> FolderJob:
    """Count all files anew; the row is held."""
    row = await (await tx.execute(_COUNT, {"job_id": job_id})).fetchone()
    assert row is not None  # noqa: S101 - the row is held
    return _job(row)


async def begin_pass(tx: Transaction, job_id: UUID) -> None:
    """Say that there is work; the row is held."""
    await tx.execute(_WORK, (job_id,))


async def skip(tx: Transaction, job_id: UUID, skipped: dict[str, int]) -> None:
    statement = "update sync_jobs set skipped_files = %s where job_id = %s"
    await tx.execute(statement, (Jsonb(skipped), job_id))


async def wait_for(tx: Transaction, job_id: UUID, dependency: str | None) -> None:
    statement = (
        "update sync_jobs set waiting_for = %s"
        " where job_id = %s and waiting_for is distinct from %s"
    )
    await tx.execute(statement, (dependency, job_id, dependency))


async def end(
    tx: Transaction, job_id: UUID, state: JobState, *, reason: str | None, again_s: float | None
) -> None:
    """End a pass and give the job back; it is due again in *again_s*, or never."""
    parameters = {"job_id": job_id, "state": state, "reason": reason, "again_s": again_s}
    await tx.execute(_END, parameters)


async def release(tx: Transaction, lease: JobLease, *, again_s: float) -> None:
    """Give a job back whose pass has not ended; nothing when it is somebody else's."""
    await tx.execute(_RELEASE, (again_s, lease.job.job_id, lease.fence))


async def bring_forward(tx: Transaction, job_ids: Sequence[UUID], *, settle_s: float) -> None:
    """Make the next scan of watched jobs due in *settle_s*, unless it is due before."""
    await tx.execute(_BRING_FORWARD, (settle_s, list(job_ids)))


async def wake(tx: Transaction, job_id: UUID) -> None:
    """Make a job due whatever it was."""
    await tx.execute(_WAKE, (job_id,))


async def watched(tx: Transaction, roots: Sequence[str]) -> dict[UUID, str]:
    """Return the folders of watched jobs below *roots*."""
    cursor = await tx.execute(_WATCHED, (list(roots),))
    return {row["job_id"]: row["source_folder"] for row in await cursor.fetchall()}


async def forget(tx: Transaction, *, older_than_s: float) -> int:
    """Remove jobs that were deleted so long ago, with their files; return how many."""
    return (await tx.execute(_FORGET, (older_than_s,))).rowcount


def _one(row: dict[str, Any] | None) -> FolderJob | None:
    return None if row is None else _job(row)


def _job(row: dict[str, Any]) -> FolderJob:
    order = JobOrder(
        source_folder=row["source_folder"],
        bucket=row["bucket"],
        prefix=row["prefix"],
        patterns=tuple(row["patterns"]),
        watch=row["watch"],
        process=row["process"],
        priority=Priority(row["priority"]),
        options=row["options"],
        owner=row["owner"],
    )
    return FolderJob(
        job_id=row["job_id"],
        upload_id=row["upload_id"],
        created_by=row["created_by"],
        fingerprint=row["fingerprint"],
        order=order,
        state=JobState(row["state"]),
        failure_reason=row["failure_reason"],
        passes=row["passes"],
        total_files=row["total_files"],
        completed_files=row["completed_files"],
        failed_files=row["failed_files"],
        skipped_files=row["skipped_files"],
        total_bytes=row["total_bytes"],
        uploaded_bytes=row["uploaded_bytes"],
        waiting_for=row["waiting_for"],
        next_scan_at=row["due_at"] if row["state"] in {"COMPLETED", "FAILED"} else None,
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        finished_at=row["finished_at"],
    )
