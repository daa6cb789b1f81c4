"""The entity graph in PostgreSQL: the tables that `SearchIndex.replace` fills, asked."""

from collections.abc import Collection, Iterable, Sequence
from itertools import islice
from typing import Any
from uuid import UUID

from docyard_common.database.pool import Database, Transaction
from docyard_common.search import graph_statements as statements
from docyard_common.search.graph import (
    DocumentPlace,
    EntityPlace,
    EntityQuery,
    EntitySummary,
    Neighbour,
    Path,
    Paths,
    RelationSummary,
    Scope,
)
from docyard_common.search.graph_paths import MAX_STEPS, shortest
from docyard_common.search.setup import set_up
from docyard_common.search.text import folded, storable


class PostgresEntityGraph:
    """An EntityGraph over the schema `search` of any service's *database*."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def entities(
        self, scope: Scope, query: EntityQuery, *, after: EntityPlace | None, limit: int
    ) -> list[EntitySummary]:
        text = None if query.text is None else folded(storable(query.text))
        told = {"text": text, "kinds": _listed(query.kinds), "document_id": query.document_id}
        async with set_up(self._database) as tx:
            statement = statements.entities(by_text=text is not None)
            rows = await _rows(tx, statement, scope, **told, **_after(after), limit=limit)
        return [EntitySummary(**row) for row in rows]

    async def entity(self, scope: Scope, entity: UUID) -> EntitySummary | None:
        async with set_up(self._database) as tx:
            return (await _summaries(tx, scope, [entity])).get(entity)

    async def mentions(
        self, scope: Scope, entity: UUID, *, after: tuple[UUID, int] | None, limit: int
    ) -> list[DocumentPlace]:
        return await self._places(statements.MENTIONS, scope, entity, after, limit)

    async def evidence(
        self, scope: Scope, relation: UUID, *, after: tuple[UUID, int] | None, limit: int
    ) -> list[DocumentPlace]:
        return await self._places(statements.EVIDENCE, scope, relation, after, limit)

    async def relation(self, scope: Scope, relation: UUID) -> RelationSummary | None:
        async with set_up(self._database) as tx:
            rows = await _rows(tx, statements.RELATION, scope, id=relation)
        return RelationSummary(**rows[0]) if rows else None

    async def neighbours(
        self,
        scope: Scope,
        entity: UUID,
        *,
        kinds: Sequence[str],
        after: EntityPlace | None,
        limit: int,
    ) -> list[Neighbour]:
        async with set_up(self._database) as tx:
            told = {"id": entity, "kinds": _listed(kinds), **_after(after), "limit": limit}
            rows = await _rows(tx, statements.NEIGHBOURS, scope, **told)
            others = [row.pop("other_id") for row in rows]
            known = await _summaries(tx, scope, others)
        # A document may go away between two statements: what it alone named is there no more.
        return [
            Neighbour(known[other], RelationSummary(**row))
            for other, row in zip(others, rows, strict=True)
            if other in known
        ]

    async def paths(
        self, scope: Scope, source: UUID, target: UUID, *, max_depth: int, limit: int
    ) -> Paths:
        async with set_up(self._database) as tx:

            async def steps(from_ids: Collection[UUID]) -> list[RelationSummary]:
                told = {"from_ids": list(from_ids), "limit": MAX_STEPS + 1}
                rows = await _rows(tx, statements.STEPS, scope, **told)
                return [RelationSummary(**row) for row in rows]

            found, truncated = await shortest(steps, source, target, max_depth=max_depth)
            ways = list(islice(found, limit))
            ids = {source, target} | {end for way in ways for each in way for end in _ends(each)}
            known = await _summaries(tx, scope, ids)
        paths = (_path(source, way, known) for way in ways)
        return Paths(tuple(path for path in paths if path is not None), truncated)

    async def _places(
        self,
        statement: str,
        scope: Scope,
        about: UUID,
        after: tuple[UUID, int] | None,
        limit: int,
    ) -> list[DocumentPlace]:
        document, ordinal = after or (None, None)
        told = {"id": about, "after_document": document, "after_ordinal": ordinal, "limit": limit}
        async with set_up(self._database) as tx:
            rows = await _rows(tx, statement, scope, **told)
        return [DocumentPlace(**row) for row in rows]


def _path(
    source: UUID, way: Sequence[RelationSummary], known: dict[UUID, EntitySummary]
) -> Path | None:
    """Return *way* with its entities; None where one is gone by now."""
    ids = [source]
    for relation in way:
        one, other = _ends(relation)
        ids.append(other if ids[-1] == one else one)
    if any(each not in known for each in ids):
        return None
    return Path(tuple(known[each] for each in ids), tuple(way))


def _ends(relation: RelationSummary) -> tuple[UUID, UUID]:
    return relation.source_id, relation.target_id


async def _summaries(
    tx: Transaction, scope: Scope, entity_ids: Iterable[UUID]
) -> dict[UUID, EntitySummary]:
    rows = await _rows(tx, statements.SUMMARIES, scope, entity_ids=list(entity_ids))
    return {row["entity_id"]: EntitySummary(**row) for row in rows}


async def _rows(tx: Transaction, statement: str, scope: Scope, **more: Any) -> list[dict[str, Any]]:
    parameters = {"owner": scope.owner, "hidden": list(scope.hidden), **more}
    return await (await tx.execute(statement, parameters)).fetchall()


def _after(place: EntityPlace | None) -> dict[str, Any]:
    return {
        "after_id": place and place.entity_id,
        "after_documents": place and place.documents,
        "after_count": place and place.count,
    }


def _listed(values: Sequence[str]) -> list[str] | None:
    return list(values) or None
