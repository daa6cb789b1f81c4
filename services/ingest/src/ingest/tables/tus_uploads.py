"""The table `tus_uploads`: what a tus client said in its own words, to be answered again."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from docyard_common.database import Transaction
from ingest.tables.uploads import FREE

_WHOLE: Final = f"""
select u.upload_id, u.owner from uploads u
where u.mode = 'tus' and u.ended_at is null and u.size_bytes is not null and {FREE}
    and u.size_bytes = u.tail_bytes + coalesce(
        (select sum(p.size_bytes) from upload_parts p where p.upload_id = u.upload_id), 0)
order by u.upload_id limit %s
"""  # noqa: S608 - no value in it comes from outside


@dataclass(frozen=True)
class Said:
    """Headers of the request that created an upload; None where one was not sent."""

    metadata: str | None = None
    concat: str | None = None


async def insert(tx: Transaction, upload_id: UUID, said: Said) -> None:
    await tx.execute(
        "insert into tus_uploads (upload_id, metadata, concat) values (%s, %s, %s)",
        (upload_id, said.metadata, said.concat),
    )


async def find(tx: Transaction, upload_id: UUID) -> Said:
    """Return what was said of the upload; nothing for one whose creation was cut off."""
    cursor = await tx.execute(
        "select metadata, concat from tus_uploads where upload_id = %s", (upload_id,)
    )
    row = await cursor.fetchone()
    return Said() if row is None else Said(**row)


async def joined_by(tx: Transaction, *, owner: str, concat: str) -> UUID | None:
    """Return the completed upload that *owner* has made of the same partial uploads."""
    cursor = await tx.execute(
        "select u.upload_id from tus_uploads t join uploads u using (upload_id)"
        " where md5(t.concat) = md5(%s) and u.owner = %s and u.state = 'completed'"
        " order by u.upload_id desc limit 1",
        (concat, owner),
    )
    row = await cursor.fetchone()
    return None if row is None else row["upload_id"]


async def whole(tx: Transaction, *, limit: int) -> list[tuple[UUID, str]]:
    """Return id and owner of uploads that have all their bytes and are no document yet."""
    cursor = await tx.execute(_WHOLE, (limit,))
    return [(row["upload_id"], row["owner"]) for row in await cursor.fetchall()]
