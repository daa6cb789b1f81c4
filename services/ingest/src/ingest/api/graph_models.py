"""The entity graph as clients read it."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from pydantic import Field

from docyard_common.analysis import Entity as FoundEntity
from docyard_common.analysis import Mention, entity_id
from docyard_common.search.graph import (
    DocumentPlace,
    EntitySummary,
    Neighbour,
    Path,
    RelationSummary,
)
from ingest.api.models import Answer

_Weight = Annotated[float, Field(ge=0, le=1)]


class EntityOut(Answer):
    """An entity over all documents of its owner that name it."""

    entity_id: UUID
    kind: str  # person, organisation, place, date, amount, email, url, phone, identifier
    text: str  # in the spelling of the document that names it most
    documents: int
    mentions: int

    @classmethod
    def of(cls, entity: EntitySummary) -> "EntityOut":
        return cls(
            entity_id=entity.entity_id,
            kind=entity.kind,
            text=entity.text,
            documents=entity.documents,
            mentions=entity.count,
        )


class GraphEntityList(Answer):
    """Those that most documents name first."""

    items: list[EntityOut]
    next_cursor: str | None


class DocumentEntity(Answer):
    """Something that one document names, with the pages and the first places that do."""

    entity_id: UUID  # of the graph
    kind: str
    text: str
    count: int
    pages: list[int]
    mentions: list[Mention]

    @classmethod
    def of(cls, entity: FoundEntity, owner: str) -> "DocumentEntity":
        return cls(
            entity_id=entity_id(owner, entity.kind, entity.key or entity.text.casefold()),
            kind=entity.kind,
            text=entity.text,
            count=entity.count,
            pages=list(entity.pages),
            mentions=list(entity.mentions),
        )


class EntityList(Answer):
    """Named things with the pages that name them, by kind, the most frequent first."""

    items: list[DocumentEntity]
    next_cursor: str | None


class RelationOut(Answer):
    """Two entities that are named together; which of them is the source says nothing."""

    relation_id: UUID
    source_id: UUID
    target_id: UUID
    window: str  # sentence or page: the closest that they share
    documents: int
    count: int  # of such windows, over all documents
    weight: _Weight  # the mean of the documents'

    @classmethod
    def of(cls, relation: RelationSummary) -> "RelationOut":
        return cls(**vars(relation))


class NeighbourOut(Answer):
    """An entity, and how it is related to the one that was asked about."""

    entity: EntityOut
    relation: RelationOut

    @classmethod
    def of(cls, neighbour: Neighbour) -> "NeighbourOut":
        return cls(
            entity=EntityOut.of(neighbour.entity), relation=RelationOut.of(neighbour.relation)
        )


class NeighbourList(Answer):
    """Those that share most documents first."""

    items: list[NeighbourOut]
    next_cursor: str | None


class PlaceOut(Answer):
    """Where a document names something, as characters of the page's text."""

    document_id: UUID
    filename: str
    page: int
    start: int
    end: int

    @classmethod
    def of(cls, place: DocumentPlace) -> "PlaceOut":
        return cls(
            document_id=place.document_id,
            filename=place.filename,
            page=place.page,
            start=place.start,
            end=place.end,
        )


class MentionList(Answer):
    """Places that name an entity, the newest document first."""

    items: list[PlaceOut]
    next_cursor: str | None


class EvidenceOut(PlaceOut):
    """A place that names both ends of a relation."""

    snippet: str

    @classmethod
    def of(cls, place: DocumentPlace) -> "EvidenceOut":
        return cls(**PlaceOut.of(place).model_dump(), snippet=place.snippet)


class EvidenceList(Answer):
    """A relation, and the places that show it, the newest document first."""

    relation: RelationOut
    items: list[EvidenceOut]
    next_cursor: str | None


class PathOut(Answer):
    """A way from one entity to another: a relation between each two that follow each other."""

    entities: list[EntityOut]
    relations: list[RelationOut]

    @classmethod
    def of(cls, path: Path) -> "PathOut":
        return cls(
            entities=[EntityOut.of(entity) for entity in path.entities],
            relations=[RelationOut.of(relation) for relation in path.relations],
        )


class PathList(Answer):
    """The shortest ways, all of one length; none where they would be longer than was asked for."""

    items: list[PathOut]
    truncated: bool  # so many entities lie between them that not all were looked at

    @classmethod
    def of(cls, paths: Sequence[Path], *, truncated: bool) -> "PathList":
        return cls(items=[PathOut.of(path) for path in paths], truncated=truncated)
