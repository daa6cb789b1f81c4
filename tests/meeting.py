"""Two transactions over the same documents meet, from whatever end each of them begins."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from itertools import permutations
from uuid import UUID

from tests.waiting import eventually

from docyard_common.database import Database, lock_documents

_WAITS = """
select from pg_locks where locktype = 'advisory' and not granted
    and database = (select oid from pg_database where datname = current_database())
"""


async def meet(
    database: Database, document_ids: Iterable[UUID], act: Callable[[], Awaitable[object]]
) -> None:
    """Let *act* wait for one document of another transaction, which then wants another of its own.

    Fails where *act* has that one already: they wait for each other. The ids must be enough, or
    such, that their order is not the one of their locks by chance.
    """
    wanted, then = next(
        (one, two)
        for one, two in permutations(document_ids, 2)
        if one > two and _lock(one) < _lock(two)
    )
    async with database.transaction() as other:
        await lock_documents(other, [wanted])
        acting = asyncio.ensure_future(act())
        await eventually(lambda: _waits(database))
        await lock_documents(other, [then])
    await acting


def _lock(document_id: UUID) -> int:
    return document_id.int & (2**62 - 1)


async def _waits(database: Database) -> bool:
    async with database.transaction() as tx:
        return (await tx.execute(_WAITS)).rowcount > 0
