"""The entity graph: what one's documents name, and together with what."""

from collections.abc import Sequence
from urllib.parse import quote

from docyard.models import (
    GraphEntity,
    GraphEvidence,
    GraphNeighbour,
    GraphPaths,
    GraphPlace,
    Listing,
)
from docyard.transport import Request, Transport

_BASE = "/api/v1/graph"


class Graph:
    """`client.graph`. Raises NotFoundError for what none of one's own documents names."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def entities(
        self,
        text: str | None = None,
        *,
        kinds: Sequence[str] = (),
        document_id: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Listing[GraphEntity]:
        """Return entities with *text* in their name, those that most documents name first."""
        params = {
            "q": text,
            "kind": list(kinds),
            "document_id": document_id,
            "limit": limit,
            "cursor": cursor,
        }
        request = Request("GET", f"{_BASE}/entities", params=params)
        return await self._transport.fetch(request, Listing[GraphEntity])

    async def entity(self, entity_id: str) -> GraphEntity:
        return await self._transport.fetch(Request("GET", _entity(entity_id)), GraphEntity)

    async def mentions(
        self, entity_id: str, *, limit: int = 50, cursor: str | None = None
    ) -> Listing[GraphPlace]:
        """Return where an entity is named, the newest document first."""
        params = {"limit": limit, "cursor": cursor}
        request = Request("GET", f"{_entity(entity_id)}/mentions", params=params)
        return await self._transport.fetch(request, Listing[GraphPlace])

    async def neighbours(
        self,
        entity_id: str,
        *,
        kinds: Sequence[str] = (),
        limit: int = 50,
        cursor: str | None = None,
    ) -> Listing[GraphNeighbour]:
        """Return what is named together with an entity, in most documents first."""
        params = {"kind": list(kinds), "limit": limit, "cursor": cursor}
        request = Request("GET", f"{_entity(entity_id)}/neighbours", params=params)
        return await self._transport.fetch(request, Listing[GraphNeighbour])

    async def paths(
        self, source_id: str, target_id: str, *, max_depth: int = 4, limit: int = 5
    ) -> GraphPaths:
        """Return the shortest ways between two entities, of no more than *max_depth* relations."""
        params = {"from": source_id, "to": target_id, "max_depth": max_depth, "limit": limit}
        return await self._transport.fetch(
            Request("GET", f"{_BASE}/paths", params=params), GraphPaths
        )

    async def evidence(
        self, relation_id: str, *, limit: int = 50, cursor: str | None = None
    ) -> GraphEvidence:
        """Return a relation and the places that show it."""
        params = {"limit": limit, "cursor": cursor}
        path = f"{_BASE}/relations/{quote(relation_id, safe='')}/evidence"
        return await self._transport.fetch(Request("GET", path, params=params), GraphEvidence)


def _entity(entity_id: str) -> str:
    return f"{_BASE}/entities/{quote(entity_id, safe='')}"
