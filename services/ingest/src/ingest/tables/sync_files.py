"""The table `sync_files`: one row a file of a folder job. Writers hold the row of the job."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from docyard_common.database import Transaction
from ingest.folder_job import (
    Failed,
    FileFailure,
    FileOutcome,
    FileState,
    FileWork,
    FolderFile,
    FoundFile,
    Postponed,
    RefusedEntry,
    Signature,
    Uploaded,
)

_SEE: Final = """
insert into sync_files (job_id, path, size_bytes, mtime_ns, ctime_ns, due_at, updated_at)
select %(job_id)s, path, size_bytes, mtime_ns, ctime_ns, now() + wait_s * interval '1 second', now()
from unnest(%(paths)s::text[], %(sizes)s::bigint[], %(mtimes)s::bigint[], %(ctimes)s::bigint[],
    %(waits)s::float8[]) as seen (path, size_bytes, mtime_ns, ctime_ns, wait_s)
on conflict (job_id, path) do update set size_bytes = excluded.size_bytes,
    mtime_ns = excluded.mtime_ns, ctime_ns = excluded.ctime_ns, due_at = excluded.due_at,
    maybe_stored = sync_files.maybe_stored or sync_files.state = 'UPLOADED',
    state = 'PENDING', failure_reason = null, attempts = 0, is_folder = false, updated_at = now()
where (sync_files.size_bytes, sync_files.mtime_ns)
        is distinct from (excluded.size_bytes, excluded.mtime_ns)
    or sync_files.state = 'FAILED' and sync_files.ctime_ns is distinct from excluded.ctime_ns
"""
_REFUSE: Final = """
insert into sync_files (job_id, path, size_bytes, mtime_ns, ctime_ns, due_at, updated_at,
    state, failure_reason, is_folder)
select %s, path, 0, 0, 0, now(), now(), 'FAILED', reason, is_folder
from unnest(%s::text[], %s::text[], %s::bool[]) as refused (path, reason, is_folder)
on conflict (job_id, path) do update set state = 'FAILED',
    failure_reason = excluded.failure_reason, is_folder = excluded.is_folder
where sync_files.failure_reason is distinct from excluded.failure_reason
"""
_FORGET_REFUSED: Final = """
delete from sync_files
where job_id = %s and state = 'FAILED' and (is_folder or failure_reason = any(%s))
    and path <> all(%s)
"""
_FAILED: Final = """
select path from sync_files
where job_id = %s and state = 'FAILED' and not is_folder and failure_reason <> all(%s)
order by path limit 10000
"""
_RESET: Final = """
update sync_files set state = 'PENDING', maybe_stored = true
where job_id = %s and state = 'IN_PROGRESS'
returning path, size_bytes
"""
_RETRY: Final = "update sync_files set ctime_ns = -1 where job_id = %s and state = 'FAILED'"
_CLAIM: Final = """
update sync_files set state = 'IN_PROGRESS', updated_at = now()
where job_id = %(job_id)s and path = any(array(
    select path from sync_files
    where job_id = %(job_id)s and state = 'PENDING'
        and due_at <= now()
    order by path limit %(limit)s
))
returning path, size_bytes, mtime_ns, ctime_ns, attempts, maybe_stored
"""
_OPEN: Final = """
select count(*) as open,
    extract(epoch from min(due_at) filter (where state = 'PENDING') - now())::float8 as wait_s
from sync_files where job_id = %s and state in ('PENDING', 'IN_PROGRESS')
"""
_SETTLE: Final = """
update sync_files set state = ended.state, failure_reason = ended.reason,
    etag = coalesce(ended.etag, sync_files.etag),
    sha256 = coalesce(ended.sha256, sync_files.sha256),
    document_id = coalesce(ended.document_id, sync_files.document_id),
    size_bytes = ended.size_bytes, mtime_ns = ended.mtime_ns, ctime_ns = ended.ctime_ns,
    attempts = sync_files.attempts + 1, due_at = now() + ended.delay_s * interval '1 second',
    maybe_stored = sync_files.maybe_stored and ended.state = 'PENDING', updated_at = now()
from unnest(%(paths)s::text[], %(states)s::text[], %(reasons)s::text[], %(etags)s::text[],
    %(sha256s)s::text[], %(documents)s::uuid[], %(sizes)s::bigint[], %(mtimes)s::bigint[],
    %(ctimes)s::bigint[], %(delays)s::float8[])
    as ended (path, state, reason, etag, sha256, document_id, size_bytes, mtime_ns, ctime_ns,
        delay_s)
where sync_files.job_id = %(job_id)s and sync_files.path = ended.path
    and sync_files.state = 'IN_PROGRESS'
returning sync_files.state, sync_files.size_bytes
"""
_DOUBT: Final = """
update sync_files set state = 'PENDING', maybe_stored = true, due_at = now()
where job_id = %s and path = any(%s)
"""
_BY_NAME: Final = [
    FileFailure.NAME_INVALID.value,
    FileFailure.NAME_NOT_UTF8.value,
    FileFailure.PATH_TOO_LONG.value,
]
"""Reasons of a scan: the path of such a row is only what can be shown of it."""
_PAGE: Final = """
select * from sync_files
where job_id = %(job_id)s and (%(after)s::text is null or path > %(after)s)
    and (%(states)s::text[] is null or state = any(%(states)s))
order by path limit %(limit)s
"""


@dataclass(frozen=True)
class Ended:
    """How many files have come to an end."""

    uploaded: int
    failed: int
    uploaded_bytes: int


async def see(
    tx: Transaction, job_id: UUID, files: Sequence[FoundFile], *, waits_s: Sequence[float]
) -> None:
    """Add files, and make those due again that have changed; each after its wait."""
    parameters = {
        "job_id": job_id,
        "paths": [file.path for file in files],
        **_signatures([file.signature for file in files]),
        "waits": list(waits_s),
    }
    await tx.execute(_SEE, parameters)


async def refuse(tx: Transaction, job_id: UUID, entries: Sequence[RefusedEntry]) -> None:
    """Note what can not be taken; of several that are shown under one path, the last."""
    shown = {entry.path: entry for entry in entries}
    parameters = (
        job_id,
        list(shown),
        [entry.reason.value for entry in shown.values()],
        [entry.is_folder for entry in shown.values()],
    )
    await tx.execute(_REFUSE, parameters)


async def forget_refused(tx: Transaction, job_id: UUID, *, but: Sequence[str]) -> None:
    """Remove what a scan has refused before and has not met again under the paths *but*."""
    await tx.execute(_FORGET_REFUSED, (job_id, _BY_NAME, list(but)))


async def failed(tx: Transaction, job_id: UUID) -> list[str]:
    """Return the paths of up to 10,000 files that were found and then failed."""
    cursor = await tx.execute(_FAILED, (job_id, _BY_NAME))
    return [row["path"] for row in await cursor.fetchall()]


async def forget(tx: Transaction, job_id: UUID, paths: Sequence[str]) -> None:
    """Remove failed files that are not there any more."""
    await tx.execute(
        "delete from sync_files where job_id = %s and path = any(%s) and state = 'FAILED'",
        (job_id, list(paths)),
    )


async def reset(tx: Transaction, job_id: UUID) -> list[tuple[str, int]]:
    """Make the files of a run that has gone due again; return their paths and sizes."""
    cursor = await tx.execute(_RESET, (job_id,))
    return [(row["path"], row["size_bytes"]) for row in await cursor.fetchall()]


async def retry_failed(tx: Transaction, job_id: UUID) -> None:
    """Let the next scan take failed files for changed ones."""
    await tx.execute(_RETRY, (job_id,))


async def claim(tx: Transaction, job_id: UUID, *, limit: int) -> list[FileWork]:
    """Take up to *limit* due files, by path."""
    cursor = await tx.execute(_CLAIM, {"job_id": job_id, "limit": limit})
    found = [_work(row) for row in await cursor.fetchall()]
    return sorted(found, key=lambda work: work.path)


async def left(tx: Transaction, job_id: UUID) -> tuple[int, float]:
    """Return how many files have not ended, and the seconds until the next of them is due."""
    row = await (await tx.execute(_OPEN, (job_id,))).fetchone()
    assert row is not None  # noqa: S101 - it is an aggregate
    return row["open"], max(0.0, row["wait_s"] or 0.0)


async def settle(tx: Transaction, job_id: UUID, outcomes: Sequence[FileOutcome]) -> Ended:
    """Write what became of files that were claimed; return what that ended. Idempotent."""
    rows = [_row(outcome) for outcome in outcomes]
    parameters = {
        "job_id": job_id,
        "paths": [outcome.work.path for outcome in outcomes],
        "states": [row[0].value for row in rows],
        "reasons": [row[1] for row in rows],
        "etags": [outcome.etag if isinstance(outcome, Uploaded) else None for outcome in outcomes],
        "sha256s": [
            outcome.sha256 if isinstance(outcome, Uploaded) else None for outcome in outcomes
        ],
        "documents": [
            outcome.document_id if isinstance(outcome, Uploaded) else None for outcome in outcomes
        ],
        **_signatures([row[2] for row in rows]),
        "delays": [row[3] for row in rows],
    }
    cursor = await tx.execute(_SETTLE, parameters)
    changed = await cursor.fetchall()
    sizes = [row["size_bytes"] for row in changed if row["state"] == FileState.UPLOADED]
    return Ended(
        uploaded=len(sizes),
        failed=sum(row["state"] == FileState.FAILED for row in changed),
        uploaded_bytes=sum(sizes),
    )


async def doubt(tx: Transaction, job_id: UUID, paths: Sequence[str]) -> None:
    """Have files looked at again whose object may have been written over by a run without lease."""
    await tx.execute(_DOUBT, (job_id, list(paths)))


async def page(
    tx: Transaction, job_id: UUID, *, states: Sequence[str], after: str | None, limit: int
) -> list[FolderFile]:
    """Return up to *limit* files by path, behind *after*."""
    parameters = {"job_id": job_id, "states": list(states) or None, "after": after, "limit": limit}
    cursor = await tx.execute(_PAGE, parameters)
    return [_file(row) for row in await cursor.fetchall()]


def _signatures(signatures: Sequence[Signature]) -> dict[str, list[int]]:
    return {
        "sizes": [signature.size_bytes for signature in signatures],
        "mtimes": [signature.mtime_ns for signature in signatures],
        "ctimes": [signature.ctime_ns for signature in signatures],
    }


def _row(outcome: FileOutcome) -> tuple[FileState, str | None, Signature, float]:
    match outcome:
        case Uploaded(work):
            return FileState.UPLOADED, None, work.signature, 0.0
        case Failed(work, reason):
            return FileState.FAILED, reason, work.signature, 0.0
        case Postponed(_, signature, delay_s):
            return FileState.PENDING, None, signature, delay_s


def _work(row: dict[str, Any]) -> FileWork:
    return FileWork(
        path=row["path"],
        signature=Signature(row["size_bytes"], row["mtime_ns"], row["ctime_ns"]),
        attempts=row["attempts"],
        maybe_stored=row["maybe_stored"],
    )


def _file(row: dict[str, Any]) -> FolderFile:
    return FolderFile(
        path=row["path"],
        state=FileState(row["state"]),
        size_bytes=row["size_bytes"],
        failure_reason=row["failure_reason"],
        etag=row["etag"],
        sha256=row["sha256"],
        document_id=row["document_id"],
        attempts=row["attempts"],
        updated_at=row["updated_at"],
    )
