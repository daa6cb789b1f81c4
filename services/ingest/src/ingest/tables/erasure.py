"""Deleted documents: marked first, gone once their bytes are, and remembered by a tombstone."""

from datetime import datetime
from typing import Final
from uuid import UUID

from docyard_common.database import Transaction

_ERASE: Final = """
with gone as (
    delete from documents where document_id = %(document_id)s returning document_id, owner
), claim as (
    delete from sync_documents using gone where sync_documents.document_id = gone.document_id
)
insert into tombstones (document_id, owner, erased_at)
select document_id, owner, %(at)s from gone on conflict do nothing
"""

_OWN_OBJECT: Final = """
select object_key from documents erased where document_id = %s and not exists (
    select from documents other
    where other.object_key = erased.object_key and other.deleted_at is null
        and other.original_removed_at is null
)
"""


async def mark(tx: Transaction, document_id: UUID, *, at: datetime) -> None:
    """Make the document invisible from this commit on."""
    await tx.execute(
        "update documents set deleted_at = %s where document_id = %s and deleted_at is null",
        (at, document_id),
    )


async def own_object(tx: Transaction, document_id: UUID) -> str | None:
    """Return the key of the document's bytes, unless one that lives still has them, too."""
    cursor = await tx.execute(_OWN_OBJECT, (document_id,))
    row = await cursor.fetchone()
    return None if row is None else row["object_key"]


async def erase(tx: Transaction, document_id: UUID, *, at: datetime) -> None:
    """Remove the row and its facts, leave a tombstone; nothing there changes nothing.

    A folder job that finds the file again gives it another id: the index keeps this one out for
    good, and the tombstone only lives for a while.
    """
    await tx.execute(_ERASE, {"document_id": document_id, "at": at})


async def was_erased(tx: Transaction, document_id: UUID, *, owner: str) -> bool:
    """Whether *owner* has deleted this document, and the row is marked or gone."""
    cursor = await tx.execute(
        "select 1 from tombstones where document_id = %(id)s and owner = %(owner)s union all "
        "select 1 from documents"
        " where document_id = %(id)s and owner = %(owner)s and deleted_at is not null",
        {"id": document_id, "owner": owner},
    )
    return await cursor.fetchone() is not None


async def hidden(tx: Transaction, *, owner: str) -> list[UUID]:
    """Return what *owner* has deleted lately: the index may hold it for a moment longer."""
    cursor = await tx.execute(
        "select document_id from tombstones where owner = %(owner)s union all "
        "select document_id from documents where owner = %(owner)s and deleted_at is not null",
        {"owner": owner},
    )
    return [row["document_id"] for row in await cursor.fetchall()]


async def unfinished(tx: Transaction, *, before: datetime, limit: int) -> list[UUID]:
    """Return documents that were marked before *before* and still have their row."""
    cursor = await tx.execute(
        "select document_id from documents where deleted_at < %s order by deleted_at limit %s",
        (before, limit),
    )
    return [row["document_id"] for row in await cursor.fetchall()]


async def forget(tx: Transaction, *, before: datetime) -> int:
    """Remove the tombstones older than *before*; return how many."""
    cursor = await tx.execute("delete from tombstones where erased_at < %s", (before,))
    return cursor.rowcount
