"""The tables `owner_usage` and `open_uploads`: what owners have here, and what is on its way.

`owner_usage` is written by a trigger on `documents`, whoever adds, deletes or erases one.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from docyard_common.database import Transaction

_USAGE: Final = """
select coalesce(sum(u.documents), 0)::bigint as documents,
       coalesce(sum(u.stored_bytes), 0)::bigint as stored_bytes,
       (select count(*) from open_uploads
        where owner = %(owner)s and expires_at > now()) as open_uploads,
       (select coalesce(sum(size_bytes), 0)::bigint from open_uploads
        where owner = %(owner)s and expires_at > now()) as open_bytes
from owner_usage u where u.owner = %(owner)s
"""
_OPEN: Final = """
insert into open_uploads (upload_id, owner, size_bytes, expires_at)
values (%(upload_id)s, %(owner)s, %(size_bytes)s, %(expires_at)s) on conflict do nothing
"""


@dataclass(frozen=True)
class Usage:
    """What an owner has: documents, and uploads that have begun and not ended."""

    documents: int
    stored_bytes: int
    open_uploads: int
    open_bytes: int  # as far as their sizes were told


async def of(tx: Transaction, owner: str) -> Usage:
    """Return what *owner* uses, this transaction's own changes at its commit not included."""
    row = await (await tx.execute(_USAGE, {"owner": owner})).fetchone()
    assert row is not None  # noqa: S101 - an aggregate always answers a row
    return Usage(**row)


async def count_at_once(tx: Transaction) -> None:
    """Let the documents of this transaction count at once, in the order of the owner's uploads.

    The owner's row stays locked until the commit: whoever comes next sees this one counted.
    """
    await tx.execute("set constraints documents_counted_insert immediate")


async def hold(tx: Transaction, owner: str) -> None:
    """Wait for others who open uploads of *owner*, until the end of the transaction."""
    await tx.execute(
        "select pg_advisory_xact_lock(hashtextextended('uploads:' || %s, 0))", (owner,)
    )


async def open_upload(
    tx: Transaction, upload_id: UUID, *, owner: str, size_bytes: int, expires_at: datetime
) -> None:
    """Count an upload until it is closed or *expires_at*; a second call changes nothing."""
    parameters = {"upload_id": upload_id, "owner": owner, "size_bytes": size_bytes}
    await tx.execute(_OPEN, {**parameters, "expires_at": expires_at})


async def is_open(tx: Transaction, upload_id: UUID) -> bool:
    """Whether the upload is counted."""
    cursor = await tx.execute("select 1 from open_uploads where upload_id = %s", (upload_id,))
    return await cursor.fetchone() is not None


async def renew(tx: Transaction, upload_id: UUID, *, expires_at: datetime) -> None:
    """Count an open upload for longer."""
    await tx.execute(
        "update open_uploads set expires_at = %s where upload_id = %s", (expires_at, upload_id)
    )


async def close_upload(tx: Transaction, upload_id: UUID) -> None:
    """Count the upload no more; an unknown one changes nothing."""
    await tx.execute("delete from open_uploads where upload_id = %s", (upload_id,))


async def forget(tx: Transaction, *, before: datetime) -> int:
    """Remove uploads that have expired before *before*; return how many."""
    cursor = await tx.execute("delete from open_uploads where expires_at < %s", (before,))
    return cursor.rowcount
