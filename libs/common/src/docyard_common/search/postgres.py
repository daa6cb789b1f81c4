"""The search index in PostgreSQL: full text by language, pgvector by meaning, fused by rank."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncPipeline

from docyard_common.database.pool import Database, Transaction
from docyard_common.pace import Pace
from docyard_common.search import outdating, statements
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
from docyard_common.search.ranking import MIN_SIMILARITY, Place, Ranked, candidates, fuse
from docyard_common.search.setup import set_up
from docyard_common.search.text import configuration, storable, unmarked, words_of

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
            if not await _rows(tx, statements.INDEXED, place):
                return None
            return [StoredChunk(**row) for row in await _rows(tx, statements.CHUNKS, place)]

    async def search(self, query: SearchQuery, embedding: Sequence[float] | None) -> list[Hit]:
        if query.mode == "semantic" and embedding is None:
            raise ValueError("a semantic search needs the embedding of its text")
        parameters = _parameters(query, embedding) | {"embedding_model": self._model}
        async with set_up(self._database) as tx:
            parameters["query"] = await _tsquery(tx, query, parameters)
            rankings = []
            if query.mode != "semantic":
                rankings.append(await _by_words(tx, query, parameters))
            if query.mode != "text" and embedding is not None:
                rankings.append(await _by_meaning(tx, query, parameters))
            fused = fuse(rankings, limit=query.limit, per_document=query.document_id is None)
            return await _hits(tx, fused, parameters) if fused else []

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
        written = {ordinal: _vector(each) for ordinal, each in embeddings.items()}
        async with set_up(self._database) as tx:
            await tx.execute(statements.LOCK, [document.document_id])
            await outdating.renew(tx, self._model, document, written)


def _parameters(query: SearchQuery, embedding: Sequence[float] | None) -> dict[str, Any]:
    return {
        **asdict(query),
        "text": storable(query.text),
        "candidates": candidates(query.limit),
        "embedding": _vector(embedding) if embedding is not None else None,
        "distance_max": 1 - MIN_SIMILARITY,
    }


async def _tsquery(tx: Transaction, query: SearchQuery, parameters: dict[str, Any]) -> str:
    """Return the query in every language at once; empty when it has only stop words."""
    found = await _rows(tx, _sql(statements.QUERIES, query, table="d"), parameters)
    return " | ".join(f"({row['query']})" for row in found if row["query"])


async def _by_words(tx: Transaction, query: SearchQuery, parameters: dict[str, Any]) -> list[Place]:
    if not parameters["query"]:
        return []
    found = await _rows(tx, _sql(statements.BY_WORDS, query, table="c"), parameters)
    return [Place(**row) for row in found]


async def _by_meaning(
    tx: Transaction, query: SearchQuery, parameters: dict[str, Any]
) -> list[Place]:
    await tx.execute(statements.WALK_ON)
    found = await _rows(tx, _sql(statements.BY_MEANING, query, table="c"), parameters)
    return [Place(**row) for row in found]


async def _hits(tx: Transaction, fused: list[Ranked], parameters: dict[str, Any]) -> list[Hit]:
    places = {
        "documents": [entry.place.document_id for entry in fused],
        "ordinals": [entry.place.ordinal for entry in fused],
    }
    scores = {entry.place: entry.score for entry in fused}
    # A document may go away between two statements: then it is no hit any more.
    found = await _rows(tx, statements.DETAILS, parameters | places)
    return [_hit(row, scores) for row in found]


def _hit(row: dict[str, Any], scores: dict[Place, float]) -> Hit:
    score = scores[Place(row["document_id"], row.pop("ordinal"))]
    snippet, highlights = unmarked(row.pop("headline"))
    return Hit(**row, score=score, snippet=snippet, highlights=highlights)


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
        "embedding": _vector(chunk.embedding),
    }


def _vector(embedding: Sequence[float]) -> str:
    return "[" + ",".join(f"{number:.7g}" for number in embedding) + "]"


def _sql(template: str, query: SearchQuery, *, table: str) -> str:
    # The filters are made of names in this package; what the caller sent are parameters.
    return template.format(filters=statements.document_filters(query, table=table))


async def _rows(
    tx: Transaction, statement: str, parameters: dict[str, Any]
) -> list[dict[str, Any]]:
    return await (await tx.execute(statement, parameters)).fetchall()
