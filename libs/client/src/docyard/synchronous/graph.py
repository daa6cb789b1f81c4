"""`client.graph` without `await`."""

from collections.abc import (
    Sequence,
)

from docyard.models import (
    GraphEntity,
    GraphEvidence,
    GraphNeighbour,
    GraphPaths,
    GraphPlace,
    Listing,
)
from docyard.resources.graph import Graph
from docyard.synchronous.running import Runner


class SyncGraph:
    """`client.graph`, as `docyard.resources.graph.Graph`."""

    def __init__(self, calls: Graph, runner: Runner) -> None:
        self._calls = calls
        self._run = runner.run

    def entities(
        self,
        text: str | None = None,
        *,
        kinds: Sequence[str] = (),
        document_id: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Listing[GraphEntity]:
        return self._run(
            self._calls.entities,
            text,
            kinds=kinds,
            document_id=document_id,
            limit=limit,
            cursor=cursor,
        )

    def entity(self, entity_id: str) -> GraphEntity:
        return self._run(self._calls.entity, entity_id)

    def mentions(
        self, entity_id: str, *, limit: int = 50, cursor: str | None = None
    ) -> Listing[GraphPlace]:
        return self._run(self._calls.mentions, entity_id, limit=limit, cursor=cursor)

    def neighbours(
        self,
        entity_id: str,
        *,
        kinds: Sequence[str] = (),
        limit: int = 50,
        cursor: str | None = None,
    ) -> Listing[GraphNeighbour]:
        return self._run(self._calls.neighbours, entity_id, kinds=kinds, limit=limit, cursor=cursor)

    def paths(
        self, source_id: str, target_id: str, *, max_depth: int = 4, limit: int = 5
    ) -> GraphPaths:
        return self._run(self._calls.paths, source_id, target_id, max_depth=max_depth, limit=limit)

    def evidence(
        self, relation_id: str, *, limit: int = 50, cursor: str | None = None
    ) -> GraphEvidence:
        return self._run(self._calls.evidence, relation_id, limit=limit, cursor=cursor)
