"""The role of the search index: chunks of documents in, the best places out."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol
from uuid import UUID

from docyard_common.pace import Pace
from docyard_common.search.graph import DocumentGraph

EMBEDDING_SIZE: Final = 256
"""Numbers in an embedding, as the offline model makes them."""

Mode = Literal["hybrid", "text", "semantic"]


@dataclass(frozen=True)
class Chunk:
    """A passage of a document; ordinals count from 0 in reading order."""

    ordinal: int
    text: str
    page_first: int
    page_last: int
    heading: str | None
    embedding: Sequence[float]  # EMBEDDING_SIZE numbers; all zero where it says nothing
    start: int | None = None  # where it begins, in code points of the text of page_first
    end: int | None = None  # where it ends, in code points of the text of page_last


@dataclass(frozen=True)
class StoredChunk:
    """A chunk as it is read back: what it says and where it stands."""

    ordinal: int
    text: str
    page_first: int
    page_last: int
    start: int | None  # None where an older pipeline made it
    end: int | None
    heading: str | None


@dataclass(frozen=True)
class IndexedDocument:
    """What searches filter by and hits show."""

    document_id: UUID
    owner: str
    generation: int
    filename: str
    content_type: str
    language: str | None  # ISO 639-1
    document_type: str | None = None  # as analyze found it


@dataclass(frozen=True)
class SearchQuery:
    """A question of one owner.

    *text* is as people type it: words are all needed, "quotes" keep words together, `or` and a
    leading `-` do what they say. *limit* is 1 or more.
    """

    owner: str
    text: str
    mode: Mode
    limit: int
    document_id: UUID | None = None
    language: str | None = None
    content_type: str | None = None
    document_type: str | None = None


@dataclass(frozen=True)
class Hit:
    """A passage that answers; *score* is 1 for first place in every ranking, and falls."""

    document_id: UUID
    filename: str
    page_first: int
    page_last: int
    score: float
    snippet: str  # plain text
    highlights: tuple[tuple[int, int], ...]  # start and end in *snippet*, counted in code points


@dataclass(frozen=True)
class Outdated:
    """A document some of whose embeddings are of another model than that of the index."""

    document_id: UUID
    owner: str
    generation: int


class SearchIndex(Protocol):
    """Finds passages by words, by meaning, or by both. Safe to share between tasks.

    An index is opened for one embedding model: all embeddings it is given are of that model, and
    searches by meaning meet no others. Every method raises DependencyUnavailableError when the
    index can not be reached.
    """

    async def replace(
        self,
        document: IndexedDocument,
        chunks: Sequence[Chunk],
        graph: DocumentGraph = DocumentGraph(),  # noqa: B008 - frozen
        *,
        pace: Pace | None = None,
    ) -> None:
        """Make *chunks* and *graph* all that is indexed of *document*, at once.

        Idempotent. Does nothing when a newer generation is indexed or the document was removed.
        *pace* may wait between pieces, for a minute in all: nobody sees any before the last.
        """
        ...

    async def remove(self, document_id: UUID) -> None:
        """Forget the document for good: a `replace` that comes later does nothing. Idempotent."""
        ...

    async def withdraw(self, document_id: UUID, generation: int) -> None:
        """Take out what *generation* and those before it have put in: it was cancelled.

        Idempotent; a later generation stays, and may still come.
        """
        ...

    async def chunks(
        self, document_id: UUID, *, owner: str, first: int, limit: int
    ) -> list[StoredChunk] | None:
        """Return chunks from the ordinal *first* on; None where nothing is indexed for *owner*."""
        ...

    async def search(self, query: SearchQuery, embedding: Sequence[float] | None) -> list[Hit]:
        """Return the best passages of the owner's documents, best first.

        One a document, unless the query is about one document. *embedding* is that of the query's
        text: without it hybrid searches words only. Raises ValueError for semantic without it.
        """
        ...

    async def outdated(self, *, limit: int, without: Collection[UUID] = ()) -> list[Outdated]:
        """Return documents that await embeddings of this model, those indexed last first."""
        ...

    async def count_outdated(self) -> int:
        """Return how many documents await embeddings of this model."""
        ...

    async def outdated_chunks(self, document: Outdated, *, limit: int) -> list[StoredChunk]:
        """Return chunks of *document* without an embedding of this model, in reading order."""
        ...

    async def embed_again(
        self, document: Outdated, embeddings: Mapping[int, Sequence[float]]
    ) -> None:
        """Give chunks, by ordinal, their embeddings; the document is up to date with the last.

        Idempotent. Does nothing when another generation is indexed or the document is gone.
        """
        ...
