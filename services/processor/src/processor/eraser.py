"""Removes what documents and generations that are over left in the object store and the index."""

import asyncio
import logging
from uuid import UUID

from docyard_common import artifacts
from docyard_common.database import Database
from docyard_common.errors import DependencyUnavailableError
from docyard_common.search.port import SearchIndex
from docyard_common.storage.port import ObjectStore

logger = logging.getLogger(__name__)

_IDLE_S = 1.0
_SECOND_PASS_S = 120.0
"""A worker that was stopped beyond its lease may still write once when it wakes: look again."""

_NEXT = """
select document_id, prefix, kind, generation from erasures
where due_at <= now() and not exists (
    select from work
    where work.document_id = erasures.document_id and state = 'running' and lease_until > now()
)
order by due_at limit 1 for update skip locked
"""
_AGAIN = """
update erasures set passes_left = passes_left - 1, due_at = now() + %s * interval '1 second'
where document_id = %s and prefix = %s and kind = %s
"""
_FINISHED = """
delete from erasures where document_id = %s and prefix = %s and kind = %s and passes_left <= 0
"""


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
            await self._erase(**row)
            place = (row["document_id"], row["prefix"], row["kind"])
            await tx.execute(_AGAIN, (_SECOND_PASS_S, *place))
            await tx.execute(_FINISHED, place)
        return True

    async def _erase(self, document_id: UUID, prefix: str, kind: str, generation: int) -> None:
        match kind:
            case "document":
                await self._index.remove(document_id)
            case "generation":
                await self._index.withdraw(document_id, generation)
            case "older":
                # Of a replaced generation it holds nothing any more, of one past its term all.
                await self._index.withdraw(document_id, generation - 1)
                await self._erase_older(prefix, generation)
                return
            case _:
                pass  # the index holds an earlier generation, which stays
        await self._objects.delete_prefix(prefix)

    async def _erase_older(self, prefix: str, generation: int) -> None:
        keys = [stat.key async for stat in self._objects.list(prefix)]
        for key in keys:
            found = artifacts.generation_of(key)
            if found is not None and found < generation:
                await self._objects.delete(key)
