"""The search index of unit tests: real behaviour, no server, no stemming."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

from docyard_common.pace import Pace
from docyard_common.search.graph import DocumentGraph
from docyard_common.search.port import (
    Chunk,
    Hit,
    IndexedDocument,
    Outdated,
    SearchQuery,
    StoredChunk,
)
from docyard_common.search.ranking import (
    MIN_SIMILARITY,
    Place,
    Ranked,
    candidates,
    first_of_each,
    fuse,
    of_each,
)
from docyard_common.search.text import START, STOP, storable, unmarked, words_of

_WORD: Final = re.compile(r"\w+")
_SNIPPET_WORDS: Final = 35
_NO_GRAPH: Final = DocumentGraph()


class InMemorySearchIndex:
    """A SearchIndex in a dictionary, held to the same contract tests as the PostgreSQL one."""

    def __init__(self, *, embedding_model: str = "") -> None:
        self._model = embedding_model
        self._documents: dict[UUID, tuple[IndexedDocument, dict[int, Chunk]]] = {}
        self._models: dict[tuple[UUID, int], str] = {}  # of embeddings
        self._removed: set[UUID] = set()

    def opened_for(self, embedding_model: str) -> "InMemorySearchIndex":
        """Return the same index, as a process sees it that embeds by another model."""
        other = InMemorySearchIndex(embedding_model=embedding_model)
        other._documents, other._models = self._documents, self._models
        other._removed = self._removed
        return other

    async def replace(
        self,
        document: IndexedDocument,
        chunks: Sequence[Chunk],
        graph: DocumentGraph = _NO_GRAPH,
        *,
        pace: Pace | None = None,
    ) -> None:
        del graph, pace  # an EntityGraph has no adapter in memory, and nothing here is long
        held = self._documents.get(document.document_id)
        is_older = held is not None and held[0].generation > document.generation
        if document.document_id not in self._removed and not is_older:
            kept = {chunk.ordinal: chunk for chunk in chunks}
            self._documents[document.document_id] = (document, kept)
            self._models |= {(document.document_id, ordinal): self._model for ordinal in kept}

    async def remove(self, document_id: UUID) -> None:
        self._removed.add(document_id)
        self._documents.pop(document_id, None)

    async def withdraw(self, document_id: UUID, generation: int) -> None:
        held = self._documents.get(document_id)
        if held is not None and held[0].generation <= generation:
            del self._documents[document_id]

    async def chunks(
        self, document_id: UUID, *, owner: str, first: int, limit: int
    ) -> list[StoredChunk] | None:
        document, held = self._documents.get(document_id, (None, {}))
        if document is None or document.owner != owner:
            return None
        wanted = sorted(ordinal for ordinal in held if ordinal >= first)[:limit]
        return [_stored(held[ordinal]) for ordinal in wanted]

    async def search(self, query: SearchQuery, embedding: Sequence[float] | None) -> list[Hit]:
        if query.mode == "semantic" and embedding is None:
            raise ValueError("a semantic search needs the embedding of its text")
        rankings = []
        if query.mode != "semantic":
            rankings.append(self._by_words(query))
        if query.mode != "text" and embedding is not None:
            rankings.append(self._by_meaning(query, embedding))
        fused = fuse(rankings, limit=query.limit, per_document=query.document_id is None)
        return [self._hit(entry, query) for entry in fused]

    async def outdated(self, *, limit: int, without: Collection[UUID] = ()) -> list[Outdated]:
        found = [
            Outdated(document.document_id, document.owner, document.generation)
            for document, chunks in reversed(self._documents.values())
            if document.document_id not in without
            and any(not self._is_current(document.document_id, ordinal) for ordinal in chunks)
        ]
        return found[:limit]

    async def count_outdated(self) -> int:
        return len(await self.outdated(limit=len(self._documents)))

    async def outdated_chunks(self, document: Outdated, *, limit: int) -> list[StoredChunk]:
        indexed, held = self._documents.get(document.document_id, (None, {}))
        if indexed is None or indexed.generation != document.generation:
            return []
        wanted = [each for each in sorted(held) if not self._is_current(document.document_id, each)]
        return [_stored(held[ordinal]) for ordinal in wanted[:limit]]

    async def embed_again(
        self, document: Outdated, embeddings: Mapping[int, Sequence[float]]
    ) -> None:
        held, chunks = self._documents.get(document.document_id, (None, {}))
        if held is None or held.generation != document.generation:
            return
        for ordinal in chunks.keys() & embeddings.keys():
            chunks[ordinal] = replace(chunks[ordinal], embedding=embeddings[ordinal])
            self._models[document.document_id, ordinal] = self._model

    def _is_current(self, document_id: UUID, ordinal: int) -> bool:
        return self._models[document_id, ordinal] == self._model

    def _by_words(self, query: SearchQuery) -> list[Place]:
        wanted = _words(query.text)
        scored = []
        for place, document, chunk in self._chunks(query):
            title = words_of(document.filename) if chunk.ordinal == 0 else ""
            found = _words(f"{title} {chunk.heading or ''} {chunk.text}")
            if wanted and set(wanted) <= set(found):
                scored.append((-sum(found.count(word) for word in wanted), place))
        scored.sort(key=lambda entry: entry[0])
        each = of_each(query.limit, per_document=query.document_id is None)
        return first_of_each([place for _, place in scored], each)[: candidates(query.limit)]

    def _by_meaning(self, query: SearchQuery, embedding: Sequence[float]) -> list[Place]:
        scored = [
            (-_dot(chunk.embedding, embedding), place)
            for place, _, chunk in self._chunks(query)
            if self._is_current(place.document_id, place.ordinal)
        ]
        near = sorted(
            (entry for entry in scored if -entry[0] >= MIN_SIMILARITY), key=lambda entry: entry[0]
        )
        places = [place for _, place in near]
        nearest = places[: candidates(query.limit)]
        seen = {place.document_id for place in nearest}
        return nearest + [place for place in places if place.document_id not in seen]

    def _chunks(self, query: SearchQuery) -> Iterator[tuple[Place, IndexedDocument, Chunk]]:
        for document, chunks in self._documents.values():
            if not _is_asked_for(document, query):
                continue
            for chunk in chunks.values():
                yield Place(document.document_id, chunk.ordinal), document, chunk

    def _hit(self, entry: Ranked, query: SearchQuery) -> Hit:
        document, chunks = self._documents[entry.place.document_id]
        chunk = chunks[entry.place.ordinal]
        snippet, highlights = unmarked(_marked(storable(chunk.text), set(_words(query.text))))
        return Hit(
            document_id=document.document_id,
            filename=document.filename,
            page_first=chunk.page_first,
            page_last=chunk.page_last,
            score=entry.score,
            snippet=snippet,
            highlights=highlights,
        )


def _stored(chunk: Chunk) -> StoredChunk:
    return StoredChunk(
        ordinal=chunk.ordinal,
        text=storable(chunk.text),
        page_first=chunk.page_first,
        page_last=chunk.page_last,
        start=chunk.start,
        end=chunk.end,
        heading=None if chunk.heading is None else storable(chunk.heading),
    )


def _is_asked_for(document: IndexedDocument, query: SearchQuery) -> bool:
    return (
        document.owner == query.owner
        and query.document_id in {None, document.document_id}
        and query.language in {None, document.language}
        and query.content_type in {None, document.content_type}
        and query.document_type in {None, document.document_type}
    )


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _dot(left: Sequence[float], right: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))


def _marked(text: str, wanted: set[str]) -> str:
    """Return the words around the first match, with marks around every match."""
    words = text.split()
    matches = [bool(wanted.intersection(_words(word))) for word in words]
    first = max(matches.index(True) - _SNIPPET_WORDS // 2, 0) if any(matches) else 0
    shown = zip(words[first:], matches[first : first + _SNIPPET_WORDS], strict=False)
    return " ".join(f"{START}{word}{STOP}" if match else word for word, match in shown)
