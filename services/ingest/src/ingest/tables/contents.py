"""Which documents have the same content, and which objects are theirs."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from docyard_common.database import Transaction


async def twin(
    tx: Transaction, *, owner: str, sha256: str, options: Mapping[str, Any]
) -> tuple[UUID, str] | None:
    """Return id and object key of *owner*'s oldest document of this content and these options.

    Failed and cancelled ones are passed over, and those whose text is not kept any more: whoever
    sends them again wants another try.
    """
    cursor = await tx.execute(
        "select document_id, object_key from documents"
        " where owner = %s and sha256 = %s and options = %s"
        " and deleted_at is null and original_removed_at is null"
        " and artifacts_removed_generation < greatest(generation, 1)"
        " and state not in ('failed', 'cancelled', 'quarantined')"
        " order by document_id limit 1",
        (owner, sha256, Jsonb(dict(options))),
    )
    row = await cursor.fetchone()
    return None if row is None else (row["document_id"], row["object_key"])


async def stored_under(tx: Transaction, *, owner: str, sha256: str, size_bytes: int) -> str | None:
    """Return the key under which a document of *owner* keeps the same bytes."""
    cursor = await tx.execute(
        "select object_key from documents where owner = %s and sha256 = %s and size_bytes = %s"
        " and deleted_at is null and original_removed_at is null order by document_id limit 1",
        (owner, sha256, size_bytes),
    )
    row = await cursor.fetchone()
    return None if row is None else row["object_key"]


async def referenced(tx: Transaction, object_keys: Iterable[str]) -> set[str]:
    """Return which of *object_keys* a row names, deleted ones included."""
    cursor = await tx.execute(
        "select distinct object_key from documents where object_key = any(%s)", (list(object_keys),)
    )
    return {row["object_key"] for row in await cursor.fetchall()}
