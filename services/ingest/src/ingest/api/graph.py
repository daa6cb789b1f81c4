"""The entity graph by HTTP: what an owner's documents name, and together with what."""

from typing import Annotated, Literal, TypeAlias
from uuid import UUID

from fastapi import APIRouter, Path, Query

from docyard_common.search.graph import DocumentPlace, EntityPlace
from ingest.api import cursors
from ingest.api.callers import Caller, Cursor, Limit, Words
from ingest.api.graph_models import (
    EntityOut,
    EvidenceList,
    EvidenceOut,
    GraphEntityList,
    MentionList,
    NeighbourList,
    NeighbourOut,
    PathList,
    PlaceOut,
    RelationOut,
)
from ingest.api.links import API
from ingest.api.problems import refusals
from ingest.documents.graph import Graph

_Kind: TypeAlias = Literal[
    "person", "organisation", "place", "date", "amount", "email", "url", "phone", "identifier"
]
_Kinds: TypeAlias = Annotated[list[_Kind] | None, Query(description="Repeated, they widen.")]
_EntityId: TypeAlias = Annotated[UUID, Path(description="As a list of entities answered it.")]
_RelationId: TypeAlias = Annotated[UUID, Path(description="As a list of neighbours answered it.")]


class GraphRoutes:
    """Routes that read the entity graph; everything is the caller's own."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def router(self) -> APIRouter:
        router = APIRouter(prefix=f"{API}/graph", tags=["graph"])
        add = router.add_api_route
        listed = refusals("ENTITY_NOT_FOUND", "CURSOR_INVALID")
        add(
            "/entities",
            self.entities,
            summary="Find what documents name",
            responses=refusals("CURSOR_INVALID"),
        )
        one = "/entities/{entity_id}"
        add(one, self.entity, summary="Read an entity", responses=refusals("ENTITY_NOT_FOUND"))
        add(
            f"{one}/mentions",
            self.mentions,
            summary="List where an entity is named",
            responses=listed,
        )
        add(
            f"{one}/neighbours",
            self.neighbours,
            summary="List what is named together with an entity",
            responses=listed,
        )
        add(
            "/paths",
            self.paths,
            summary="Find how two entities are connected",
            responses=refusals("ENTITY_NOT_FOUND"),
        )
        add(
            "/relations/{relation_id}/evidence",
            self.evidence,
            summary="List the places that show a relation",
            responses=refusals("RELATION_NOT_FOUND", "CURSOR_INVALID"),
        )
        return router

    async def entities(
        self,
        caller: Caller,
        *,
        q: Words = None,
        kind: _Kinds = None,
        document_id: UUID | None = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> GraphEntityList:
        """Answer entities whose name has *q* in it, those that most documents name first."""
        found = await self._graph.entities(
            caller.subject,
            text=q,
            kinds=kind or (),
            document_id=document_id,
            after=_entity_place(cursor),
            limit=limit + 1,
        )
        shown = found[:limit]
        more = len(found) > limit
        return GraphEntityList(
            items=[EntityOut.of(entity) for entity in shown],
            next_cursor=_written(shown[-1].place) if more else None,
        )

    async def entity(self, caller: Caller, entity_id: _EntityId) -> EntityOut:
        """Answer how many of the caller's documents name the entity."""
        return EntityOut.of(await self._graph.entity(caller.subject, entity_id))

    async def mentions(
        self, caller: Caller, entity_id: _EntityId, cursor: Cursor = None, limit: Limit = 50
    ) -> MentionList:
        """Answer documents, pages and offsets; of one document no more than the first fifty."""
        found = await self._graph.mentions(
            caller.subject, entity_id, after=_document_place(cursor), limit=limit + 1
        )
        return MentionList(
            items=[PlaceOut.of(place) for place in found[:limit]],
            next_cursor=_following(found, limit),
        )

    async def neighbours(
        self,
        caller: Caller,
        entity_id: _EntityId,
        *,
        kind: _Kinds = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> NeighbourList:
        """Answer related entities, those that share most documents first."""
        found = await self._graph.neighbours(
            caller.subject,
            entity_id,
            kinds=kind or (),
            after=_entity_place(cursor),
            limit=limit + 1,
        )
        shown = found[:limit]
        more = len(found) > limit
        return NeighbourList(
            items=[NeighbourOut.of(neighbour) for neighbour in shown],
            next_cursor=_written(shown[-1].place) if more else None,
        )

    async def paths(
        self,
        caller: Caller,
        *,
        source: Annotated[UUID, Query(alias="from")],
        target: Annotated[UUID, Query(alias="to")],
        max_depth: Annotated[int, Query(ge=1, le=6, description="Relations of a way.")] = 4,
        limit: Annotated[int, Query(ge=1, le=20)] = 5,
    ) -> PathList:
        """Answer the shortest ways between two entities, all of the same length."""
        found = await self._graph.paths(
            caller.subject, source, target, max_depth=max_depth, limit=limit
        )
        return PathList.of(found.paths, truncated=found.truncated)

    async def evidence(
        self, caller: Caller, relation_id: _RelationId, cursor: Cursor = None, limit: Limit = 50
    ) -> EvidenceList:
        """Answer documents, pages and snippets; of one document no more than the first five."""
        relation, found = await self._graph.evidence(
            caller.subject, relation_id, after=_document_place(cursor), limit=limit + 1
        )
        return EvidenceList(
            relation=RelationOut.of(relation),
            items=[EvidenceOut.of(place) for place in found[:limit]],
            next_cursor=_following(found, limit),
        )


def _entity_place(cursor: str | None) -> EntityPlace | None:
    return None if cursor is None else EntityPlace(*cursors.read_ranked(cursor))


def _written(place: EntityPlace) -> str:
    return cursors.write(place.documents, place.count, str(place.entity_id))


def _document_place(cursor: str | None) -> tuple[UUID, int] | None:
    if cursor is None:
        return None
    ordinal, document_id = cursors.read_counted_id(cursor)
    return document_id, ordinal


def _following(found: list[DocumentPlace], limit: int) -> str | None:
    if len(found) <= limit:
        return None
    last = found[limit - 1]
    return cursors.write(last.ordinal, str(last.document_id))
