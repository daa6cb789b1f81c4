"""Removes what a cancelled or deleted document left in the object store and the index."""

import asyncio
import logging

from docyard_common.database import Database
from docyard_common.errors import DependencyUnavailableError
from docyard_common.search.port import SearchIndex
from docyard_common.storage.port import ObjectStore

logger = logging.getLogger(__name__)

_IDLE_S = 1.0
_SECOND_PASS_S = 120.0
"""A worker that was stopped beyond its lease may still write once when it wakes: look again."""

_NEXT = """
select document_id, prefix, generation from erasures
where due_at <= now() and not exists (
    select from work
    where work.document_id = erasures.document_id and state = 'running' and lease_until > now()
)
order by due_at limit 1 for update skip locked
"""
_AGAIN = """
update erasures set passes_left = passes_left - 1, due_at = now() + %s * interval '1 second'
where document_id = %s and prefix = %s
"""
_FINISHED = "delete from erasures where document_id = %s and prefix = %s and passes_left <= 0"


class Eraser:
    """Works off the table `erasures`; every step may be repeated."""

    def __init__(self, *, database: Database, objects: ObjectStore, index: SearchIndex) -> None:
        self._database = database
        self._objects = objects
        self._index = index

    async def run(self) -> None:
        """Erase what is due until cancelled; servers that are away are waited out."""
        while True:
            try:
                while await self.erase_one():
                    pass
            except DependencyUnavailableError as error:
                logger.warning("eraser.waiting", extra={"error": str(error)})
            await asyncio.sleep(_IDLE_S)

    async def erase_one(self) -> bool:
        """Erase for one document; false when nothing is due. A crash leaves it to be done again."""
        async with self._database.transaction() as tx:
            row = await (await tx.execute(_NEXT)).fetchone()
            if row is None:
                return False
            if row["generation"] is None:
                await self._index.remove(row["document_id"])
            else:
                await self._index.withdraw(row["document_id"], row["generation"])
            await self._objects.delete_prefix(row["prefix"])
            place = (row["document_id"], row["prefix"])
            await tx.execute(_AGAIN, (_SECOND_PASS_S, *place))
            await tx.execute(_FINISHED, place)
        return True
