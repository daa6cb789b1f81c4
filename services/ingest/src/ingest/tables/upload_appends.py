"""The table `uploads` for whoever appends: one writer at a time, and the youngest one wins."""

from datetime import datetime
from typing import Final
from uuid import UUID

from docyard_common.database import Transaction
from ingest.tables import usage
from ingest.tables.uploads import LEASE_S
from ingest.upload import Upload

_TAKE: Final = """
update uploads set lease_holder = %s, lease_until = clock_timestamp() + %s * interval '1 second'
where upload_id = %s and state = 'open'
"""
_COMMIT: Final = """
update uploads set multipart_id = %(multipart_id)s, tail_key = %(tail_key)s,
    tail_bytes = %(tail_bytes)s, expires_at = greatest(expires_at, %(expires_at)s)
where upload_id = %(upload_id)s and lease_holder = %(holder)s and state = 'open'
"""
_DECLARE: Final = """
update uploads set size_bytes = %s where upload_id = %s and state = 'open' and size_bytes is null
"""


async def take(tx: Transaction, upload_id: UUID, *, holder: UUID) -> bool:
    """Become the writer, whoever was it before; False when the upload is not open.

    A client that lost its connection comes back before its old request has noticed.
    """
    cursor = await tx.execute(_TAKE, (holder, LEASE_S, upload_id))
    return cursor.rowcount == 1


async def commit(tx: Transaction, upload: Upload, *, holder: UUID, expires_at: datetime) -> bool:
    """Write multipart and tail of *upload*; False when *holder* is the writer no more."""
    cursor = await tx.execute(
        _COMMIT,
        {
            "upload_id": upload.upload_id,
            "holder": holder,
            "multipart_id": upload.multipart_id,
            "tail_key": upload.tail_key,
            "tail_bytes": upload.tail_bytes,
            "expires_at": expires_at,
        },
    )
    if cursor.rowcount == 0:
        return False
    await usage.renew(tx, upload.upload_id, expires_at=expires_at)
    return True


async def declare_size(tx: Transaction, upload_id: UUID, *, size_bytes: int) -> bool:
    """Tell the size that was deferred; False when it is told already or the upload ended."""
    cursor = await tx.execute(_DECLARE, (size_bytes, upload_id))
    return cursor.rowcount == 1
