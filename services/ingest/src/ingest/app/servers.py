"""What the service runs on: its databases, its store, its outbox, its clock, the search index."""

from functools import partial
from typing import Final

from docyard_common.clock import SystemClock
from docyard_common.database import Database
from docyard_common.http import keep_for_good
from docyard_common.outbox import Outbox, Relay
from docyard_common.search import PostgresEntityGraph, PostgresSearchIndex
from docyard_common.search.embedding_model import EmbeddingModel, embedding_model
from docyard_common.storage import MinioObjectStore
from ingest.documents.graph import Graph
from ingest.documents.searching import Embed, QueryEmbedder, Searcher
from ingest.settings import IngestSettings

SERVICE: Final = "ingest"
_SEARCH_SCHEMA: Final = "search"
_STORE_THREADS: Final = 16


class Servers:
    """One of each for the whole process; nothing is connected before `open`."""

    def __init__(self, settings: IngestSettings) -> None:
        self._settings = settings
        self._embeddings = embedding_model(settings.embeddings)
        self._search_database = Database(
            settings.database, schema=_SEARCH_SCHEMA, application_name=f"{SERVICE}-search"
        )
        self.clock = SystemClock()
        self.database = Database(settings.database, schema=SERVICE, application_name=SERVICE)
        self.store = MinioObjectStore(settings.object_store, threads=_STORE_THREADS)
        self.outbox = Outbox(source=SERVICE)
        self.embedder = QueryEmbedder(partial(_load_embedder, self._embeddings))

    async def open(self) -> None:
        """Begin to connect, and have the bucket. Raises DependencyUnavailableError."""
        await self.database.open()
        await self._search_database.open()
        await self.store.ensure_bucket()
        if self._settings.search.warm:
            self.embedder.warm()

    async def close(self) -> None:
        """Drop all connections; also after an `open` that failed."""
        await self.database.close()
        await self._search_database.close()
        self.store.close()

    def relay(self) -> Relay:
        settings = self._settings
        return Relay(
            database=settings.database, schema=SERVICE, kafka=settings.kafka, client_id=SERVICE
        )

    def searcher(self) -> Searcher:
        index = PostgresSearchIndex(self._search_database, embedding_model=self._embeddings.name)
        return Searcher(index=index, embedder=self.embedder, database=self.database)

    def graph(self) -> Graph:
        return Graph(graph=PostgresEntityGraph(self._search_database), database=self.database)


def _load_embedder(model: EmbeddingModel) -> Embed:
    # Imported when it is wanted: it brings numpy and the model, and takes seconds.
    from docyard_common.search.embedding import Embedder  # noqa: PLC0415

    embed = Embedder.load(model).embed
    keep_for_good()
    return embed
