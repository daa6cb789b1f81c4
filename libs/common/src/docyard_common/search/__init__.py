"""The search index: port, PostgreSQL adapter and in-memory one; embeddings live in `embedding`.

Beside it the entity graph, written with the index: the port `EntityGraph` and its adapter.
"""

from docyard_common.search.graph import DocumentGraph, EntityGraph, graph_of
from docyard_common.search.graph_postgres import PostgresEntityGraph
from docyard_common.search.memory import InMemorySearchIndex
from docyard_common.search.port import (
    EMBEDDING_SIZE,
    Chunk,
    Hit,
    IndexedDocument,
    Outdated,
    SearchIndex,
    SearchQuery,
    StoredChunk,
)
from docyard_common.search.postgres import PostgresSearchIndex
from docyard_common.search.setup import migrate_search

__all__ = [
    "EMBEDDING_SIZE",
    "Chunk",
    "DocumentGraph",
    "EntityGraph",
    "Hit",
    "InMemorySearchIndex",
    "IndexedDocument",
    "Outdated",
    "PostgresEntityGraph",
    "PostgresSearchIndex",
    "SearchIndex",
    "SearchQuery",
    "StoredChunk",
    "graph_of",
    "migrate_search",
]
