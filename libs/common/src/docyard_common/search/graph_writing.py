"""Writes the part of the graph that a document shows: four kinds of rows, in pieces."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final, TypeAlias
from uuid import UUID

from docyard_common.database.pool import Transaction
from docyard_common.pace import Pace
from docyard_common.search.graph import DocumentGraph, NamedEntity, NamedRelation
from docyard_common.search.text import storable

_ENTITIES: Final = """
insert into search.named_entities (document_id, owner, entity_id, kind, key, text, count)
select %s, %s, * from unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::int[])
on conflict do nothing
"""
_MENTIONS: Final = """
insert into search.mentions (document_id, entity_id, ordinal, page, start_at, end_at)
select %s, * from unnest(%s::uuid[], %s::int[], %s::int[], %s::int[], %s::int[])
on conflict do nothing
"""
_RELATIONS: Final = """
insert into search.relations
    (document_id, owner, relation_id, source_id, target_id, in_window, count, weight)
select %s, %s, *
from unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::text[], %s::int[], %s::real[])
on conflict do nothing
"""
_EVIDENCE: Final = """
insert into search.evidence (document_id, relation_id, ordinal, page, start_at, end_at, snippet)
select %s, * from unnest(%s::uuid[], %s::int[], %s::int[], %s::int[], %s::int[], %s::text[])
on conflict do nothing
"""
_AT_ONCE: Final = 64
"""Rows of one statement: some milliseconds of this process."""
_Row: TypeAlias = tuple[Any, ...]
_DELETE: Final = (
    "delete from search.named_entities where document_id = %s",
    "delete from search.relations where document_id = %s",
)


async def delete_graph(tx: Transaction, document_id: UUID) -> None:
    """Take out what the document shows; its mentions and evidence go along."""
    for statement in _DELETE:
        await tx.execute(statement, [document_id])


async def insert_graph(
    tx: Transaction, document_id: UUID, owner: str, graph: DocumentGraph, turn: Pace
) -> None:
    """Write *graph* of a document that has none in the index; others have a *turn* in between."""
    document, owned = (document_id,), (document_id, owner)
    for statement, shared, rows in (
        (_ENTITIES, owned, map(_entity, graph.entities)),
        (_MENTIONS, document, _mentions(graph.entities)),
        (_RELATIONS, owned, map(_relation, graph.relations)),
        (_EVIDENCE, document, _evidence(graph.relations)),
    ):
        while piece := list(islice(rows, _AT_ONCE)):
            columns = (list(column) for column in zip(*piece, strict=True))
            await tx.execute(statement, [*shared, *columns])
            if len(piece) == _AT_ONCE:
                await turn()


def _entity(entity: NamedEntity) -> _Row:
    key, text = storable(entity.key), storable(entity.text)
    return entity.entity_id, entity.kind, key, text, entity.count


def _mentions(entities: Iterable[NamedEntity]) -> Iterator[_Row]:
    for entity in entities:
        for ordinal, one in enumerate(entity.mentions):
            yield entity.entity_id, ordinal, one.page, one.start, one.end


def _relation(relation: NamedRelation) -> _Row:
    ends = relation.source_id, relation.target_id
    return relation.relation_id, *ends, relation.window, relation.count, relation.weight


def _evidence(relations: Iterable[NamedRelation]) -> Iterator[_Row]:
    for relation in relations:
        for ordinal, one in enumerate(relation.evidence):
            snippet = storable(one.snippet)
            yield relation.relation_id, ordinal, one.page, one.start, one.end, snippet
