"""The table `upload_parts`: which parts of an upload lie in the store."""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from docyard_common.database import Transaction
from ingest.upload import Part

_INSERT: Final = """
insert into upload_parts (upload_id, number, size_bytes, sha256, etag)
values (%s, %s, %s, %s, %s) on conflict do nothing
"""
_BYTES: Final = """
select upload_id, sum(size_bytes)::bigint as size_bytes, count(*) as parts
from upload_parts where upload_id = any(%s) group by upload_id
"""


async def insert(tx: Transaction, upload_id: UUID, part: Part) -> bool:
    """Note *part*; False when one of its number is noted already."""
    cursor = await tx.execute(
        _INSERT, (upload_id, part.number, part.size_bytes, part.sha256, part.etag)
    )
    return cursor.rowcount == 1


async def find(tx: Transaction, upload_id: UUID, number: int) -> Part | None:
    cursor = await tx.execute(
        "select number, size_bytes, sha256, etag from upload_parts"
        " where upload_id = %s and number = %s",
        (upload_id, number),
    )
    row = await cursor.fetchone()
    return None if row is None else Part(**row)


async def listed(tx: Transaction, upload_id: UUID) -> list[Part]:
    """Return the parts in their order."""
    cursor = await tx.execute(
        "select number, size_bytes, sha256, etag from upload_parts"
        " where upload_id = %s order by number",
        (upload_id,),
    )
    return [Part(**row) for row in await cursor.fetchall()]


async def received(tx: Transaction, upload_ids: Iterable[UUID]) -> dict[UUID, tuple[int, int]]:
    """Return bytes and number of the parts of each upload; one without parts misses."""
    cursor = await tx.execute(_BYTES, (list(upload_ids),))
    return {row["upload_id"]: (row["size_bytes"], row["parts"]) for row in await cursor.fetchall()}


async def remove(tx: Transaction, upload_id: UUID, numbers: Iterable[int]) -> None:
    """Forget parts that the store does not have: they must be sent again."""
    await tx.execute(
        "delete from upload_parts where upload_id = %s and number = any(%s)",
        (upload_id, list(numbers)),
    )
