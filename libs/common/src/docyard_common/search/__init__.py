"""The search index: port, PostgreSQL adapter and in-memory one; embeddings live in `embedding`."""

from docyard_common.search.memory import InMemorySearchIndex
from docyard_common.search.port import (
    EMBEDDING_SIZE,
    Chunk,
    Hit,
    IndexedDocument,
    SearchIndex,
    SearchQuery,
)
from docyard_common.search.postgres import PostgresSearchIndex, migrate_search

__all__ = [
    "EMBEDDING_SIZE",
    "Chunk",
    "Hit",
    "InMemorySearchIndex",
    "IndexedDocument",
    "PostgresSearchIndex",
    "SearchIndex",
    "SearchQuery",
    "migrate_search",
]
