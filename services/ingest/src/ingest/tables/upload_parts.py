"""The table `upload_parts`: which parts of an upload lie in the store."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
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
_TALLY: Final = """
select count(p.number) as parts, coalesce(sum(p.size_bytes), 0)::bigint as size_bytes, u.expires_at
from uploads u left join upload_parts p using (upload_id)
where upload_id = %s group by u.expires_at
"""


@dataclass(frozen=True)
class Tally:
    """How much of an upload has come in whole parts, and how long it waits for more."""

    parts: int
    size_bytes: int
    expires_at: datetime


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


async def tally(tx: Transaction, upload_id: UUID) -> Tally | None:
    """Count the parts of one upload; None where there is none of that id."""
    cursor = await tx.execute(_TALLY, (upload_id,))
    row = await cursor.fetchone()
    return None if row is None else Tally(**row)


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
