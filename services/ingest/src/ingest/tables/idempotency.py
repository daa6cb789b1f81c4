"""The table `idempotency_keys`: which document a key has made, and by which body."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from docyard_common.database import Transaction
from ingest.document import IdempotencyClaim
from ingest.errors import IdempotencyKeyReusedError

_FIND: Final = """
select fingerprint, document_id from idempotency_keys
where owner = %s and route = %s and key = %s
"""
_CLAIM: Final = """
insert into idempotency_keys (owner, route, key, fingerprint, document_id, created_at)
values (%s, %s, %s, %s, %s, %s) on conflict do nothing
"""


@dataclass(frozen=True)
class Earlier:
    """What the first request under a key was, and what it made."""

    fingerprint: str
    document_id: UUID

    def require(self, fingerprint: str) -> None:
        """Raise IdempotencyKeyReusedError unless it was the same request."""
        if self.fingerprint != fingerprint:
            raise IdempotencyKeyReusedError(
                "This Idempotency-Key was used with another body before; use a new key."
            )


async def find(tx: Transaction, *, owner: str, route: str, key: str) -> Earlier | None:
    cursor = await tx.execute(_FIND, (owner, route, key))
    row = await cursor.fetchone()
    return None if row is None else Earlier(row["fingerprint"], row["document_id"])


async def claim(
    tx: Transaction, claimed: IdempotencyClaim, *, document_id: UUID, at: datetime
) -> Earlier | None:
    """Take the key for *document_id*; return whoever had it before, None when it was free.

    Waits for a concurrent transaction that is taking the same key: exactly one of them gets it.
    """
    names = (claimed.owner, claimed.route, claimed.key)
    cursor = await tx.execute(_CLAIM, (*names, claimed.fingerprint, document_id, at))
    if cursor.rowcount == 1:
        return None
    return await find(tx, owner=claimed.owner, route=claimed.route, key=claimed.key)


async def forget(tx: Transaction, *, before: datetime) -> int:
    """Remove the keys that were taken before *before*; return how many."""
    cursor = await tx.execute("delete from idempotency_keys where created_at < %s", (before,))
    return cursor.rowcount
