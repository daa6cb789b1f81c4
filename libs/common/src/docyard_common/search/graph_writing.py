"""Writes the part of the graph that a document shows: four statements, however much it names."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from docyard_common.database.pool import Transaction
from docyard_common.search.graph import DocumentGraph
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
_DELETE: Final = (
    "delete from search.named_entities where document_id = %s",
    "delete from search.relations where document_id = %s",
)


async def delete_graph(tx: Transaction, document_id: UUID) -> None:
    """Take out what the document shows; its mentions and evidence go along."""
    for statement in _DELETE:
        await tx.execute(statement, [document_id])


async def insert_graph(
    tx: Transaction, document_id: UUID, owner: str, graph: DocumentGraph
) -> None:
    """Write *graph* of a document that has none in the index."""
    if graph.entities:
        entities = [
            (e.entity_id, e.kind, storable(e.key), storable(e.text), e.count)
            for e in graph.entities
        ]
        await tx.execute(_ENTITIES, [document_id, owner, *_columns(entities)])
    mentions = [
        (e.entity_id, ordinal, m.page, m.start, m.end)
        for e in graph.entities
        for ordinal, m in enumerate(e.mentions)
    ]
    if mentions:
        await tx.execute(_MENTIONS, [document_id, *_columns(mentions)])
    if graph.relations:
        relations = [
            (r.relation_id, r.source_id, r.target_id, r.window, r.count, r.weight)
            for r in graph.relations
        ]
        await tx.execute(_RELATIONS, [document_id, owner, *_columns(relations)])
    evidence = [
        (r.relation_id, ordinal, e.page, e.start, e.end, storable(e.snippet))
        for r in graph.relations
        for ordinal, e in enumerate(r.evidence)
    ]
    if evidence:
        await tx.execute(_EVIDENCE, [document_id, *_columns(evidence)])


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
