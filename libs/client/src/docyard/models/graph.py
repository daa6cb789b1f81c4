"""What documents name, and together with what."""

from docyard.models.documents import Model


class GraphEntity(Model):
    """An entity over all documents that name it."""

    entity_id: str
    kind: str
    text: str
    documents: int
    mentions: int


class GraphRelation(Model):
    """Two entities that are named together; *weight* is 0 to 1."""

    relation_id: str
    source_id: str
    target_id: str
    window: str  # sentence or page: the closest that they share
    documents: int
    count: int
    weight: float


class GraphNeighbour(Model):
    """An entity, and how it is related to the one that was asked about."""

    entity: GraphEntity
    relation: GraphRelation


class GraphPlace(Model):
    """Where a document names something, as characters of the page's text."""

    document_id: str
    filename: str = ""
    page: int
    start: int
    end: int
    snippet: str | None = None  # of evidence


class GraphEvidence(Model):
    """A relation and the places that show it."""

    relation: GraphRelation
    items: tuple[GraphPlace, ...]
    next_cursor: str | None = None


class GraphPath(Model):
    """A way: one relation between each two entities that follow each other."""

    entities: tuple[GraphEntity, ...]
    relations: tuple[GraphRelation, ...]


class GraphPaths(Model):
    """The shortest ways; none where they would be longer than was asked for."""

    items: tuple[GraphPath, ...]
    truncated: bool = False


class Chunk(Model):
    """A passage that searches answer with."""

    ordinal: int
    text: str
    page_first: int
    page_last: int
    start: int | None = None
    end: int | None = None
    heading: str | None = None
