"""Search over what the index stage has left, for one owner."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeAlias

from docyard_common.database import Database
from docyard_common.observability import metrics
from docyard_common.search import Hit, SearchIndex, SearchQuery, StoredChunk
from ingest.document import Document
from ingest.documents.artifact_reader import ARTIFACTS_REMOVED
from ingest.errors import NotAvailableError, NotReadyError
from ingest.tables import documents

Embed: TypeAlias = Callable[[Sequence[str]], list[list[float]]]
"""Texts into vectors; blocks."""


class QueryEmbedder:
    """Embeds queries on a thread; the model is loaded once, by whoever needs it first."""

    def __init__(self, load: Callable[[], Embed]) -> None:
        self._load = load
        self._loading: asyncio.Task[Embed] | None = None

    def warm(self) -> None:
        """Begin to load the model; takes seconds of one core, none of the event loop."""
        if self._loading is None:
            self._loading = asyncio.create_task(asyncio.to_thread(self._load))

    async def embed(self, text: str) -> Sequence[float]:
        """Return the vector of *text*; waits for the model."""
        self.warm()
        assert self._loading is not None  # noqa: S101 - `warm` has set it
        # Shielded: a client that goes away must not end the load for the others.
        embed = await asyncio.shield(self._loading)
        vectors = await asyncio.to_thread(embed, [text])
        return vectors[0]


class Searcher:
    """Asks the index, and leaves out what was deleted or had its time a moment ago."""

    def __init__(self, *, index: SearchIndex, embedder: QueryEmbedder, database: Database) -> None:
        self._index = index
        self._embedder = embedder
        self._database = database

    async def chunks(self, document: Document, *, first: int, limit: int) -> list[StoredChunk]:
        """Return what is indexed of *document*. Raises NotReadyError or NotAvailableError."""
        if document.artifacts_removed:
            raise NotAvailableError(ARTIFACTS_REMOVED)
        found = await self._index.chunks(
            document.document_id, owner=document.view.owner, first=first, limit=limit
        )
        if found is not None:
            return found
        if document.view.is_terminal:
            raise NotAvailableError("The document was never indexed: see its state.")
        raise NotReadyError("The document is not indexed yet.")

    async def search(self, query: SearchQuery) -> list[Hit]:
        """Return the best passages first. Raises DependencyUnavailableError."""
        with metrics.SEARCH_DURATION.labels(query.mode).time():
            vector = None if query.mode == "text" else await self._embedder.embed(query.text)
            hits = await self._index.search(query, vector)
            if not hits:
                return []
            async with self._database.transaction() as tx:
                visible = await documents.visible(
                    tx, {hit.document_id for hit in hits}, owner=query.owner
                )
        return [hit for hit in hits if hit.document_id in visible]
