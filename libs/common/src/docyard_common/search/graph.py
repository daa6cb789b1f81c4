"""The role of the entity graph: what an owner's documents name, and together with what.

It is written with the document's chunks by `SearchIndex.replace`, in one transaction, and goes with
the document. Entities and relations are those of one owner; other owners' are not there.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from docyard_common.analysis import Analysis, Evidence, Mention, entity_id, relation_id


@dataclass(frozen=True)
class NamedEntity:
    """An entity as one document names it."""

    entity_id: UUID
    kind: str
    key: str
    text: str
    count: int
    mentions: tuple[Mention, ...]


@dataclass(frozen=True)
class NamedRelation:
    """A relation as one document shows it."""

    relation_id: UUID
    source_id: UUID
    target_id: UUID
    window: str
    count: int
    weight: float
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True)
class DocumentGraph:
    """The part of the graph that one document shows."""

    entities: tuple[NamedEntity, ...] = ()
    relations: tuple[NamedRelation, ...] = ()


@dataclass(frozen=True)
class Scope:
    """Whose graph, without the documents in *hidden*: those are deleted, and still indexed."""

    owner: str
    hidden: Collection[UUID] = ()


@dataclass(frozen=True)
class EntityPlace:
    """A position in a list of entities: those that more documents name come first."""

    documents: int
    count: int
    entity_id: UUID


@dataclass(frozen=True)
class EntityQuery:
    """Which entities: *text* is part of the name or of its key, in any case."""

    text: str | None = None
    kinds: Sequence[str] = ()
    document_id: UUID | None = None


@dataclass(frozen=True)
class EntitySummary:
    """An entity over all documents that name it, in the spelling of the one that does most."""

    entity_id: UUID
    kind: str
    text: str
    documents: int
    count: int  # of mentions

    @property
    def place(self) -> EntityPlace:
        return EntityPlace(self.documents, self.count, self.entity_id)


@dataclass(frozen=True)
class RelationSummary:
    """A relation over all documents that show it; *weight* is their mean."""

    relation_id: UUID
    source_id: UUID
    target_id: UUID
    window: str  # the closest one
    documents: int
    count: int
    weight: float


@dataclass(frozen=True)
class Neighbour:
    """An entity, and how it is related to the one that was asked about."""

    entity: EntitySummary
    relation: RelationSummary

    @property
    def place(self) -> EntityPlace:
        """The position in a list of neighbours: by the relation, not by the entity alone."""
        return EntityPlace(self.relation.documents, self.relation.count, self.entity.entity_id)


@dataclass(frozen=True)
class DocumentPlace:
    """A place in a document; *ordinal* counts those of one document, from 0."""

    document_id: UUID
    filename: str
    ordinal: int
    page: int
    start: int  # code points of the page's text
    end: int
    snippet: str = ""  # of evidence


@dataclass(frozen=True)
class Path:
    """A way from one entity to another: one relation between each two neighbours."""

    entities: tuple[EntitySummary, ...]
    relations: tuple[RelationSummary, ...]


@dataclass(frozen=True)
class Paths:
    """The shortest ways; none where there is no way within the depth that was asked for.

    *truncated*: too many entities lie within that depth, and not all were looked at.
    """

    paths: tuple[Path, ...] = field(default=())
    truncated: bool = False


class EntityGraph(Protocol):
    """Answers questions about one owner's graph. Safe to share between tasks.

    Every method raises DependencyUnavailableError when the index can not be reached.
    """

    async def entities(
        self, scope: Scope, query: EntityQuery, *, after: EntityPlace | None, limit: int
    ) -> list[EntitySummary]:
        """Return entities, those that most documents name first."""
        ...

    async def entity(self, scope: Scope, entity: UUID) -> EntitySummary | None: ...

    async def mentions(
        self, scope: Scope, entity: UUID, *, after: tuple[UUID, int] | None, limit: int
    ) -> list[DocumentPlace]:
        """Return where documents name *entity*, the newest document first."""
        ...

    async def neighbours(
        self,
        scope: Scope,
        entity: UUID,
        *,
        kinds: Sequence[str],
        after: EntityPlace | None,
        limit: int,
    ) -> list[Neighbour]:
        """Return what is named together with *entity*, in most documents first."""
        ...

    async def relation(self, scope: Scope, relation: UUID) -> RelationSummary | None: ...

    async def evidence(
        self, scope: Scope, relation: UUID, *, after: tuple[UUID, int] | None, limit: int
    ) -> list[DocumentPlace]:
        """Return the places that show *relation*, the newest document first."""
        ...

    async def paths(
        self, scope: Scope, source: UUID, target: UUID, *, max_depth: int, limit: int
    ) -> Paths:
        """Return up to *limit* of the shortest ways with no more than *max_depth* relations."""
        ...


def graph_of(owner: str, analysis: Analysis) -> DocumentGraph:
    """Return the part of *owner*'s graph that a document with *analysis* shows."""
    entities = tuple(
        NamedEntity(
            entity_id=entity_id(owner, each.kind, each.key or each.text.casefold()),
            kind=each.kind,
            key=each.key or each.text.casefold(),
            text=each.text,
            count=each.count,
            mentions=each.mentions,
        )
        for each in analysis.entities
    )
    relations = []
    for each in analysis.relations:
        # In one order in every document, so that they add up to one relation.
        source, target = sorted(
            entity_id(owner, end.kind, end.key) for end in (each.source, each.target)
        )
        relations.append(
            NamedRelation(
                relation_id=relation_id(source, target),
                source_id=source,
                target_id=target,
                window=each.window,
                count=each.count,
                weight=each.weight,
                evidence=each.evidence,
            )
        )
    return DocumentGraph(entities, tuple(relations))
