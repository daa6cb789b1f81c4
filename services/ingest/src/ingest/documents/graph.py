"""The entity graph of one owner, without what they have deleted a moment ago."""

from collections.abc import Sequence
from uuid import UUID

from docyard_common.database import Database
from docyard_common.search.graph import (
    DocumentPlace,
    EntityGraph,
    EntityPlace,
    EntityQuery,
    EntitySummary,
    Neighbour,
    Paths,
    RelationSummary,
    Scope,
)
from docyard_common.search.text import folded
from ingest.errors import EntityNotFoundError, RelationNotFoundError
from ingest.tables import erasure


class Graph:
    """Answers about one owner's entities. Every call raises DependencyUnavailableError."""

    def __init__(self, *, graph: EntityGraph, database: Database) -> None:
        self._graph = graph
        self._database = database

    async def entities(
        self,
        owner: str,
        *,
        text: str | None,
        kinds: Sequence[str],
        document_id: UUID | None,
        after: EntityPlace | None,
        limit: int,
    ) -> list[EntitySummary]:
        """Return entities whose name has *text* in it, those of most documents first."""
        query = EntityQuery(
            text=None if text is None else _folded(text), kinds=kinds, document_id=document_id
        )
        return await self._graph.entities(await self._scope(owner), query, after=after, limit=limit)

    async def entity(self, owner: str, entity_id: UUID) -> EntitySummary:
        """Return the entity. Raises EntityNotFoundError."""
        return await self._found(await self._scope(owner), entity_id)

    async def mentions(
        self, owner: str, entity_id: UUID, *, after: tuple[UUID, int] | None, limit: int
    ) -> list[DocumentPlace]:
        """Return where the entity is named. Raises EntityNotFoundError."""
        scope = await self._scope(owner)
        await self._found(scope, entity_id)
        return await self._graph.mentions(scope, entity_id, after=after, limit=limit)

    async def neighbours(
        self,
        owner: str,
        entity_id: UUID,
        *,
        kinds: Sequence[str],
        after: EntityPlace | None,
        limit: int,
    ) -> list[Neighbour]:
        """Return what is named together with the entity. Raises EntityNotFoundError."""
        scope = await self._scope(owner)
        await self._found(scope, entity_id)
        return await self._graph.neighbours(scope, entity_id, kinds=kinds, after=after, limit=limit)

    async def paths(
        self, owner: str, source: UUID, target: UUID, *, max_depth: int, limit: int
    ) -> Paths:
        """Return the shortest ways between two entities. Raises EntityNotFoundError."""
        scope = await self._scope(owner)
        for end in (source, target):
            await self._found(scope, end)
        return await self._graph.paths(scope, source, target, max_depth=max_depth, limit=limit)

    async def evidence(
        self, owner: str, relation_id: UUID, *, after: tuple[UUID, int] | None, limit: int
    ) -> tuple[RelationSummary, list[DocumentPlace]]:
        """Return a relation and the places that show it. Raises RelationNotFoundError."""
        scope = await self._scope(owner)
        relation = await self._graph.relation(scope, relation_id)
        if relation is None:
            raise RelationNotFoundError("None of your documents shows such a relation.")
        return relation, await self._graph.evidence(scope, relation_id, after=after, limit=limit)

    async def _scope(self, owner: str) -> Scope:
        async with self._database.transaction() as tx:
            return Scope(owner, await erasure.hidden(tx, owner=owner))

    async def _found(self, scope: Scope, entity_id: UUID) -> EntitySummary:
        entity = await self._graph.entity(scope, entity_id)
        if entity is None:
            raise EntityNotFoundError("None of your documents names such an entity.")
        return entity


def _folded(text: str) -> str:
    """Return *text* in the form of an entity's key."""
    return " ".join(folded(text).split())
