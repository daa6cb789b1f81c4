"""The table `uploads`: who may change an upload is decided here, by its state and its lease.

Leases are told by the database's clock: replicas need not agree on the time.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from docyard_common.database import Transaction
from docyard_common.events.stages import Priority
from ingest.tables import usage
from ingest.upload import Announcement, Upload, UploadMode, UploadState

LEASE_S: Final = 15.0
"""A holder that is killed keeps others out for so long."""

_INSERT: Final = """
insert into uploads (upload_id, document_id, owner, mode, filename, declared_type, size_bytes,
    sha256, priority, options, metadata, part_bytes, object_key, multipart_id, created_at,
    expires_at)
values (%(upload_id)s, %(document_id)s, %(owner)s, %(mode)s, %(filename)s, %(declared_type)s,
    %(size_bytes)s, %(sha256)s, %(priority)s, %(options)s, %(metadata)s, %(part_bytes)s,
    %(object_key)s, %(multipart_id)s, %(created_at)s, %(expires_at)s)
"""
FREE: Final = "(lease_until is null or lease_until < clock_timestamp())"
_LEASED: Final = "lease_until = clock_timestamp() + %(lease_s)s * interval '1 second'"
_CLAIM: Final = f"""
update uploads set state = 'completing', lease_holder = %(holder)s, {_LEASED}
where upload_id = %(upload_id)s and state in ('open', 'completing') and {FREE}
"""  # noqa: S608 - no value in it comes from outside
_RENEW: Final = f"""
update uploads set {_LEASED}
where upload_id = %(upload_id)s and lease_holder = %(holder)s and ended_at is null
"""  # noqa: S608 - as above
_RELEASE: Final = """
update uploads set state = 'open', lease_holder = null, lease_until = null
where upload_id = %s and lease_holder = %s and ended_at is null
"""
_COMPLETE: Final = """
update uploads set state = 'completed', ended_at = %(at)s, result_id = %(result_id)s,
    keeps_object = %(keeps_object)s, lease_until = null,
    leftovers = tail_key is not null or not %(keeps_object)s
where upload_id = %(upload_id)s and lease_holder = %(holder)s
    and state in ('completing', 'completed')
"""
_END: Final = f"""
update uploads set state = %(state)s, ended_at = %(at)s, refusal = %(refusal)s
where upload_id = %(upload_id)s and ended_at is null
    and (
        lease_holder = %(holder)s
        or %(holder)s::uuid is null and (state = 'open' or {FREE})
    )
"""  # noqa: S608 - as above


async def insert(tx: Transaction, upload: Upload) -> None:
    said = upload.announced
    await tx.execute(
        _INSERT,
        {
            "upload_id": upload.upload_id,
            "document_id": upload.document_id,
            "owner": said.owner,
            "mode": said.mode,
            "filename": said.filename,
            "declared_type": said.declared_type,
            "size_bytes": said.size_bytes,
            "sha256": said.sha256,
            "priority": said.priority,
            "options": Jsonb(said.options),
            "metadata": Jsonb(said.metadata),
            "part_bytes": upload.part_bytes,
            "object_key": upload.object_key,
            "multipart_id": upload.multipart_id,
            "created_at": upload.created_at,
            "expires_at": upload.expires_at,
        },
    )


async def find(tx: Transaction, upload_id: UUID, *, owner: str) -> Upload | None:
    """Return the upload if it is *owner*'s, however it ended."""
    cursor = await tx.execute(
        "select * from uploads where upload_id = %s and owner = %s", (upload_id, owner)
    )
    row = await cursor.fetchone()
    return None if row is None else _upload(row)


async def find_by(tx: Transaction, column: str, value: UUID | str) -> Upload | None:
    """Return the upload whose `document_id` or `object_key` (*column*) is *value*."""
    assert column in {"document_id", "object_key"}  # noqa: S101 - never from outside
    cursor = await tx.execute(
        f"select * from uploads where {column} = %s",  # noqa: S608 - as asserted
        (value,),
    )
    row = await cursor.fetchone()
    return None if row is None else _upload(row)


async def active(tx: Transaction, *, owner: str, before: UUID | None, limit: int) -> list[Upload]:
    """Return up to *limit* uploads of *owner* that have not ended, newest first."""
    cursor = await tx.execute(
        "select * from uploads where owner = %(owner)s and ended_at is null"
        " and (%(before)s::uuid is null or upload_id < %(before)s)"
        " order by upload_id desc limit %(limit)s",
        {"owner": owner, "before": before, "limit": limit},
    )
    return [_upload(row) for row in await cursor.fetchall()]


async def touch(tx: Transaction, upload_id: UUID, *, expires_at: datetime) -> bool:
    """Hold the row of an open upload and put its end off; False when it is not open.

    It counts for its owner as long.
    """
    cursor = await tx.execute(
        "update uploads set expires_at = greatest(expires_at, %s)"
        " where upload_id = %s and state = 'open'",
        (expires_at, upload_id),
    )
    if cursor.rowcount == 0:
        return False
    await usage.renew(tx, upload_id, expires_at=expires_at)
    return True


async def claim(tx: Transaction, upload_id: UUID, *, holder: UUID) -> bool:
    """Take the upload for completing it; False while somebody else works on it, or it ended."""
    cursor = await tx.execute(
        _CLAIM, {"upload_id": upload_id, "holder": holder, "lease_s": LEASE_S}
    )
    return cursor.rowcount == 1


async def renew(tx: Transaction, upload_id: UUID, *, holder: UUID) -> bool:
    """Keep the lease; False when another has it."""
    cursor = await tx.execute(
        _RENEW, {"upload_id": upload_id, "holder": holder, "lease_s": LEASE_S}
    )
    return cursor.rowcount == 1


async def release(tx: Transaction, upload_id: UUID, *, holder: UUID) -> None:
    """Open the upload again for everybody."""
    await tx.execute(_RELEASE, (upload_id, holder))


async def complete(
    tx: Transaction,
    upload_id: UUID,
    *,
    holder: UUID,
    result_id: UUID,
    keeps_object: bool,
    at: datetime,
) -> bool:
    """End it in a document. Idempotent for *holder*; False for everybody else."""
    cursor = await tx.execute(
        _COMPLETE,
        {
            "upload_id": upload_id,
            "holder": holder,
            "result_id": result_id,
            "keeps_object": keeps_object,
            "at": at,
        },
    )
    return cursor.rowcount == 1


async def end(
    tx: Transaction,
    upload_id: UUID,
    state: UploadState,
    *,
    at: datetime,
    holder: UUID | None = None,
    refusal: str | None = None,
) -> bool:
    """End it without a document; False when it has ended, or is being completed by another.

    With a *holder*, only while that one has the lease. It counts for its owner no more.
    """
    cursor = await tx.execute(
        _END,
        {
            "upload_id": upload_id,
            "state": state,
            "at": at,
            "holder": holder,
            "refusal": refusal,
        },
    )
    if cursor.rowcount == 0:
        return False
    await usage.close_upload(tx, upload_id)
    return True


async def cleared(tx: Transaction, upload_id: UUID) -> None:
    """Note that the store holds nothing of it any more that nobody needs."""
    await tx.execute("update uploads set leftovers = false where upload_id = %s", (upload_id,))


async def keeps_object(tx: Transaction, upload_id: UUID) -> bool:
    """Whether a document lives on the object of the upload."""
    cursor = await tx.execute("select keeps_object from uploads where upload_id = %s", (upload_id,))
    row = await cursor.fetchone()
    return bool(row and row["keeps_object"])


async def expired(tx: Transaction, *, at: datetime, limit: int) -> list[Upload]:
    """Return uploads whose time is over and that nobody works on."""
    cursor = await tx.execute(
        f"select * from uploads where ended_at is null and expires_at < %s and {FREE}"  # noqa: S608
        " order by expires_at limit %s",
        (at, limit),
    )
    return [_upload(row) for row in await cursor.fetchall()]


async def presigned(
    tx: Transaction, *, before: datetime, behind: Upload | None, limit: int
) -> list[Upload]:
    """Return presigned uploads from before *before* that have not ended, the oldest first.

    *behind* is the last one of the page before.
    """
    cursor = await tx.execute(
        "select * from uploads where mode = 'presigned' and ended_at is null"
        " and created_at < %(before)s and (%(expires_at)s::timestamptz is null"
        " or (expires_at, upload_id) > (%(expires_at)s, %(upload_id)s))"
        " order by expires_at, upload_id limit %(limit)s",
        {
            "before": before,
            "expires_at": behind and behind.expires_at,
            "upload_id": behind and behind.upload_id,
            "limit": limit,
        },
    )
    return [_upload(row) for row in await cursor.fetchall()]


async def uncleared(tx: Transaction, *, before: datetime, limit: int) -> list[Upload]:
    """Return uploads that ended before *before* and may still have bytes in the store."""
    cursor = await tx.execute(
        "select * from uploads where leftovers and ended_at < %s order by ended_at limit %s",
        (before, limit),
    )
    return [_upload(row) for row in await cursor.fetchall()]


async def in_use(tx: Transaction, object_keys: Iterable[str]) -> set[str]:
    """Return which of *object_keys* belong to uploads that have not ended."""
    cursor = await tx.execute(
        "select object_key from uploads where object_key = any(%s) and ended_at is null",
        (list(object_keys),),
    )
    return {row["object_key"] for row in await cursor.fetchall()}


async def forget(tx: Transaction, *, before: datetime) -> int:
    """Remove uploads that ended before *before* and left nothing; return how many."""
    cursor = await tx.execute(
        "delete from uploads where ended_at < %s and not leftovers", (before,)
    )
    return cursor.rowcount


def _upload(row: dict[str, Any]) -> Upload:
    return Upload(
        upload_id=row["upload_id"],
        document_id=row["document_id"],
        announced=Announcement(
            owner=row["owner"],
            mode=UploadMode(row["mode"]),
            filename=row["filename"],
            declared_type=row["declared_type"],
            size_bytes=row["size_bytes"],
            sha256=row["sha256"],
            priority=Priority(row["priority"]),
            options=row["options"],
            metadata=row["metadata"],
        ),
        state=UploadState(row["state"]),
        part_bytes=row["part_bytes"],
        object_key=row["object_key"],
        multipart_id=row["multipart_id"],
        tail_key=row["tail_key"],
        tail_bytes=row["tail_bytes"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        result_id=row["result_id"],
        refusal=row["refusal"],
    )
