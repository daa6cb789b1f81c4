"""Locks that follow the document, not the row, so that its facts commit in order; and of duties."""

import contextlib
import hashlib
from collections.abc import AsyncIterator, Iterable
from uuid import UUID

from docyard_common.database.pool import Database, Transaction

# Ordered by the locks themselves, so that not even two documents of one lock make a ring.
_LOCK = """
select pg_advisory_xact_lock(id) from (
    select distinct id from unnest(%s::bigint[]) id order by id
) ids
"""

_LOCK_CHILD = """
select case when shared then pg_advisory_xact_lock_shared(id) else pg_advisory_xact_lock(id) end
from (
    select id, shared from (values (%s::bigint, false), (%s::bigint, true)) given (id, shared)
    order by id
) ids
"""


async def lock_document(tx: Transaction, document_id: UUID) -> None:
    """Wait for the transaction-level advisory lock of *document_id*; released at its end.

    Whoever adds outbox rows of a document takes it first: then their ids commit in order, and two
    decisions about one document (a finish and a cancel) see each other.
    """
    await tx.execute("select pg_advisory_xact_lock(%s)", (_lock_id(document_id),))


async def lock_documents(tx: Transaction, document_ids: Iterable[UUID]) -> None:
    """Take the locks of several documents, in one order for everybody.

    A transaction over several documents takes all its locks by one call: one after the other, in
    an order of its own, they would make a ring with those of other services of the same database.

    Locks are the low 62 bits of the id, its random part; a clash only makes two documents wait
    for each other.
    """
    await tx.execute(_LOCK, ([_lock_id(each) for each in document_ids],))


async def lock_child(tx: Transaction, document_id: UUID, *, parent_id: UUID) -> None:
    """Take the lock of *document_id*, and that of *parent_id* together with its other children.

    Whoever decides about the parent by `lock_document` waits for those that have it, not for those
    that come later: they wait behind. In the order of `lock_documents`.
    """
    await tx.execute(_LOCK_CHILD, (_lock_id(document_id), _lock_id(parent_id)))


async def lock_content(tx: Transaction, owner: str, sha256: str) -> None:
    """Wait for the transaction-level lock of a content of *owner*; taken behind the document's.

    Whoever decides that two documents share their bytes, or that one stops doing so, takes it.
    """
    await tx.execute("select pg_advisory_xact_lock(%s)", (_named(f"{sha256}:{owner}"),))


@contextlib.asynccontextmanager
async def alone(database: Database, duty: str) -> AsyncIterator[bool]:
    """Tell whether the block is the only one of all replicas that has *duty*; others go on.

    It keeps a connection for as long; one that breaks, or a process that dies, gives the duty
    free, and two may have it for a moment: what they do must be idempotent. Raises
    DependencyUnavailableError.
    """
    async with database.autocommit() as session:
        lock_id = _named(f"duty:{duty}")
        cursor = await session.execute("select pg_try_advisory_lock(%s) as mine", (lock_id,))
        row = await cursor.fetchone()
        is_mine = bool(row and row["mine"])
        try:
            yield is_mine
        finally:
            if is_mine and not session.closed:
                await session.execute("select pg_advisory_unlock(%s)", (lock_id,))


def _named(name: str) -> int:
    digest = hashlib.sha256(name.encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 2


def _lock_id(document_id: UUID) -> int:
    return document_id.int & (2**62 - 1)
