"""The search index in PostgreSQL: full text by language, pgvector by meaning, fused by rank."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncPipeline

from docyard_common.database.pool import Database, Transaction
from docyard_common.pace import Pace
from docyard_common.search import asking, outdating, statements
from docyard_common.search.graph import DocumentGraph
from docyard_common.search.graph_writing import delete_graph, insert_graph
from docyard_common.search.port import (
    Chunk,
    Hit,
    IndexedDocument,
    Outdated,
    SearchQuery,
    StoredChunk,
)
from docyard_common.search.rows import rows_of, vector
from docyard_common.search.setup import set_up
from docyard_common.search.text import configuration, storable, words_of

_NO_GRAPH: Final = DocumentGraph()
_AT_ONCE: Final = 16
"""Chunks that are sent in one piece: some milliseconds of this process, thirty of the database."""


class PostgresSearchIndex:
    """A SearchIndex over the schema `search` of any service's *database*.

    *embedding_model* is the name of the model whose embeddings it is given.
    """

    def __init__(self, database: Database, *, embedding_model: str) -> None:
        self._database = database
        self._model = embedding_model

    async def replace(
        self,
        document: IndexedDocument,
        chunks: Sequence[Chunk],
        graph: DocumentGraph = _NO_GRAPH,
        *,
        pace: Pace | None = None,
    ) -> None:
        shared = document_row(document, embedding_model=self._model)
        async with set_up(self._database) as tx:
            async with tx.pipeline():
                await tx.execute(statements.LOCK, [document.document_id])
                wanted = await tx.execute(statements.UPSERT_DOCUMENT, shared)
            if wanted.rowcount == 0:
                return
            async with tx.pipeline() as pipeline:
                await tx.execute(statements.DELETE_CHUNKS, [document.document_id])
                await delete_graph(tx, document.document_id)
                others = _Others(pipeline, pace)
                await insert_chunks(tx, shared, chunks, others.turn)
                await insert_graph(tx, document.document_id, document.owner, graph, others.turn)
                await tx.commit()

    async def remove(self, document_id: UUID) -> None:
        async with set_up(self._database) as tx:
            for statement in (
                statements.LOCK,
                statements.REMEMBER_REMOVAL,
                statements.DELETE_DOCUMENT,
            ):
                await tx.execute(statement, [document_id])

    async def withdraw(self, document_id: UUID, generation: int) -> None:
        async with set_up(self._database) as tx:
            await tx.execute(statements.LOCK, [document_id])
            await tx.execute(statements.DELETE_GENERATION, [document_id, generation])

    async def chunks(
        self, document_id: UUID, *, owner: str, first: int, limit: int
    ) -> list[StoredChunk] | None:
        place = {"document_id": document_id, "owner": owner, "first": first, "limit": limit}
        async with set_up(self._database) as tx:
            if not await rows_of(tx, statements.INDEXED, place):
                return None
            return [StoredChunk(**row) for row in await rows_of(tx, statements.CHUNKS, place)]

    async def search(self, query: SearchQuery, embedding: Sequence[float] | None) -> list[Hit]:
        if query.mode == "semantic" and embedding is None:
            raise ValueError("a semantic search needs the embedding of its text")
        async with set_up(self._database) as tx:
            return await asking.hits(tx, query, embedding, embedding_model=self._model)

    async def outdated(self, *, limit: int, without: Collection[UUID] = ()) -> list[Outdated]:
        async with set_up(self._database) as tx:
            return await outdating.documents(tx, self._model, limit=limit, without=without)

    async def count_outdated(self) -> int:
        async with set_up(self._database) as tx:
            return await outdating.count(tx, self._model)

    async def outdated_chunks(self, document: Outdated, *, limit: int) -> list[StoredChunk]:
        async with set_up(self._database) as tx:
            return await outdating.chunks(tx, self._model, document, limit=limit)

    async def embed_again(
        self, document: Outdated, embeddings: Mapping[int, Sequence[float]]
    ) -> None:
        written = {ordinal: vector(each) for ordinal, each in embeddings.items()}
        async with set_up(self._database) as tx:
            await tx.execute(statements.LOCK, [document.document_id])
            await outdating.renew(tx, self._model, document, written)


class _Others:
    """Has a turn between two pieces of a long write."""

    def __init__(self, pipeline: AsyncPipeline, pace: Pace | None) -> None:
        self._pipeline = pipeline
        self._pace = pace

    async def turn(self) -> None:
        """Wait until what was sent is done, and then for as long as the pace says.

        Thousands of rows take a second to be sent, and the event loop with them: while the
        database works on some, others have their turn.
        """
        await self._pipeline.sync()
        if self._pace is not None:
            await self._pace()


async def insert_chunks(
    tx: Transaction, shared: dict[str, Any], chunks: Sequence[Chunk], turn: Pace
) -> None:
    """Write the chunks of a document that has none; *shared* is its row."""
    async with tx.cursor() as cursor:
        for start in range(0, len(chunks), _AT_ONCE):
            if start > 0:
                await turn()
            rows = [chunk_row(shared, each) for each in chunks[start : start + _AT_ONCE]]
            await cursor.executemany(statements.INSERT_CHUNK, rows)


def document_row(document: IndexedDocument, *, embedding_model: str) -> dict[str, Any]:
    """Return the parameters of `UPSERT_DOCUMENT`."""
    return {
        **asdict(document),
        "configuration": configuration(document.language),
        "filename": storable(document.filename),
        "embedding_model": embedding_model,
    }


def chunk_row(shared: dict[str, Any], chunk: Chunk) -> dict[str, Any]:
    """Return the parameters of `INSERT_CHUNK`; *shared* is the row of its document."""
    return {
        **shared,
        **vars(chunk),  # the embedding as it is: `asdict` would copy each of its numbers
        "text": storable(chunk.text),
        "heading": None if chunk.heading is None else storable(chunk.heading),
        "title": words_of(shared["filename"]) if chunk.ordinal == 0 else "",
        "embedding": vector(chunk.embedding),
    }
