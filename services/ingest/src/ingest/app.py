"""The composition root: the only place that knows which adapter stands behind which port."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

from fastapi import APIRouter, FastAPI

from docyard_common.api_keys import KeyedVerifier, PostgresApiKeys, migrate_access
from docyard_common.auth import TokenVerifier
from docyard_common.clock import SystemClock
from docyard_common.database import Database, migrate
from docyard_common.events import topics
from docyard_common.http import (
    authenticate_with,
    background,
    create_app,
    keep_for_good,
    limit_rates_with,
)
from docyard_common.kafka.admin import ensure_topics
from docyard_common.kafka.consumer import BatchConsumer
from docyard_common.kafka.steady import SteadyConsumer
from docyard_common.observability.health import Health
from docyard_common.outbox import Outbox, Relay
from docyard_common.rate_limits.limiter import RateLimiter
from docyard_common.search import PostgresEntityGraph, PostgresSearchIndex
from docyard_common.search.embedding_model import EmbeddingModel, embedding_model
from docyard_common.storage import MinioObjectStore, S3PutUrls
from ingest.api import problems
from ingest.api.artifacts import ArtifactRoutes
from ingest.api.chunked import RAW_PARTS
from ingest.api.documents import DocumentRoutes
from ingest.api.folder_jobs import FolderJobRoutes
from ingest.api.graph import GraphRoutes
from ingest.api.keys import ApiKeyRoutes
from ingest.api.limits import LimitRoutes
from ingest.api.links import LinkMaker
from ingest.api.operating import OperatorRoutes
from ingest.api.presign import PresignRoutes
from ingest.api.processing import ProcessingRoutes
from ingest.api.rates import RateChooser
from ingest.api.reprocessing import ReprocessingRoutes
from ingest.api.retention import RetentionRoutes
from ingest.api.search import SearchRoutes
from ingest.api.short import ShortRoutes
from ingest.api.store_webhook import StoreWebhookRoutes
from ingest.api.tus.middleware import TusMiddleware
from ingest.api.tus.routes import STREAMED
from ingest.chat.assembly import assemble
from ingest.children import Children
from ingest.commands import Commands
from ingest.documents.artifact_reader import ArtifactReader
from ingest.documents.bulk import BulkOperations
from ingest.documents.graph import Graph
from ingest.documents.lifecycle import Lifecycle
from ingest.documents.queueing import Queueing
from ingest.documents.reconciling import Reconciler
from ingest.documents.reprocessing import Reprocessing
from ingest.documents.retention import Retention
from ingest.documents.searching import Embed, QueryEmbedder, Searcher
from ingest.doors import Doors
from ingest.limits.admission import Admission
from ingest.limits.keeper import LimitKeeper
from ingest.limits.source import LimitSource
from ingest.observing import Observing
from ingest.projector import Projector
from ingest.settings import IngestSettings
from ingest.store_events import StoreEvents
from ingest.sweep import Sweeper
from ingest.sync.documents import DocumentMaker
from ingest.sync.wiring import FolderSync
from ingest.uploads.acceptance import Acceptor
from ingest.uploads.arrivals import Arrivals
from ingest.uploads.completion import Completer
from ingest.uploads.desk import UploadDesk
from ingest.uploads.hash_ahead import HashAhead
from ingest.uploads.presigned import Presigner
from ingest.uploads.sessions import UploadSessions
from ingest.uploads.slots import UploadSlots
from ingest.uploads.tus import WholeUploads

SERVICE: Final = "ingest"
_SEARCH_SCHEMA: Final = "search"
_MIGRATIONS: Final = Path(__file__).parent / "migrations"
_STORE_THREADS: Final = 16
_DESCRIPTION: Final = """
Takes documents in and answers what became of them.

202 means durable: the bytes are in the store, and the document's row and first event are committed
together. Every refusal is a problem document (RFC 9457) with a stable `code`. Somebody else's
document answers 404.
"""


def build(settings: IngestSettings) -> FastAPI:
    """Return the application; nothing is connected before its lifespan starts."""
    parts = _Parts(settings)
    app = create_app(
        title="Docyard ingest",
        description=_DESCRIPTION,
        settings=settings.http,
        health=parts.health(),
        lifespan=parts.lifespan,
        streamed_paths=(RAW_PARTS, STREAMED),
    )
    authenticate_with(app, parts.verifier)
    limit_rates_with(app, parts.limiter, parts.rates.of)
    problems.install(app)
    app.add_middleware(TusMiddleware)
    for router in parts.routers():
        app.include_router(router)
    return app


def _load_embedder(model: EmbeddingModel) -> Embed:
    # Imported when it is wanted: it brings numpy and the model, and takes seconds.
    from docyard_common.search.embedding import Embedder  # noqa: PLC0415

    embed = Embedder.load(model).embed
    keep_for_good()
    return embed


class _Parts:
    """Every part of the service, made once and handed its neighbours."""

    def __init__(self, settings: IngestSettings) -> None:
        self._settings = settings
        self._clock = SystemClock()
        self._database = Database(settings.database, schema=SERVICE, application_name=SERVICE)
        self._search_database = Database(
            settings.database, schema=_SEARCH_SCHEMA, application_name=f"{SERVICE}-search"
        )
        self._store = MinioObjectStore(settings.object_store, threads=_STORE_THREADS)
        self._outbox = Outbox(source=SERVICE)
        self._keys = PostgresApiKeys(self._database)
        self.verifier = KeyedVerifier(
            TokenVerifier(settings.auth), keys=self._keys, clock=self._clock
        )
        self._limits = LimitSource(database=self._database, settings=settings.limits)
        self._admission = Admission(source=self._limits, database=self._database, clock=self._clock)
        shared = settings.limits.shared_url
        self.limiter = RateLimiter(shared_url=shared.get_secret_value() if shared else None)
        self.rates = RateChooser(source=self._limits)
        self._acceptor = Acceptor(
            database=self._database, outbox=self._outbox, admission=self._admission
        )
        self._slots = UploadSlots(settings.uploads)
        self._folders = FolderSync(
            settings,
            database=self._database,
            documents=self._document_maker(),
            open_bucket=self._store.in_bucket,
            clock=self._clock,
        )
        self._embeddings = embedding_model(settings.embeddings)
        self._embedder = QueryEmbedder(partial(_load_embedder, self._embeddings))
        self._lifecycle = Lifecycle(
            database=self._database, store=self._store, outbox=self._outbox, clock=self._clock
        )
        self._reader = ArtifactReader(self._store)
        self._chat = assemble(
            settings.chat,
            database=self._database,
            lifecycle=self._lifecycle,
            reader=self._reader,
            searcher=self._searcher(),
            clock=self._clock,
        )
        self._reprocessing = Reprocessing(
            database=self._database, outbox=self._outbox, reader=self._reader, clock=self._clock
        )
        self._reconciler = Reconciler(
            database=self._database, outbox=self._outbox, clock=self._clock
        )
        self._retention = Retention(
            database=self._database,
            store=self._store,
            lifecycle=self._lifecycle,
            clock=self._clock,
            settings=settings.retention,
        )
        self._operations = BulkOperations(
            database=self._database,
            lifecycle=self._lifecycle,
            reprocessing=self._reprocessing,
            clock=self._clock,
        )
        self._desk = UploadDesk(
            database=self._database,
            store=self._store,
            clock=self._clock,
            admission=self._admission,
            limits=settings.limits,
            settings=settings.uploads,
            slots=self._slots,
            hash_ahead=HashAhead(max_waiting_bytes=settings.uploads.hash_ahead_bytes),
        )
        self._sessions = UploadSessions(self._desk)
        self._completer = Completer(
            desk=self._desk, sessions=self._sessions, acceptor=self._acceptor
        )
        self._arrivals = Arrivals(
            desk=self._desk,
            completer=self._completer,
            after_s=settings.store_events.arrivals_after_s,
        )
        self._store_events = StoreEvents(
            arrivals=self._arrivals, bucket=settings.object_store.bucket
        )
        self._projector = Projector(database=self._database, outbox=self._outbox, clock=self._clock)
        self._consuming = SteadyConsumer(
            prepare=partial(ensure_topics, settings.kafka), make=self._consumer
        )

    @asynccontextmanager
    async def lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        """Connect, bring the schema up to date, and run what runs beside the requests."""
        settings = self._settings
        await migrate(settings.database, schema=SERVICE, locations=_MIGRATIONS)
        await migrate_access(settings.database)
        await self._database.open()
        await self._search_database.open()
        try:
            await self._store.ensure_bucket()
            if settings.search.warm:
                self._embedder.warm()
            async with background(
                app,
                relay=self._relay().run(),
                projector=self._consuming.run(),
                sweep=self._sweeper().run(),
                whole_uploads=WholeUploads(
                    database=self._database, completer=self._completer
                ).run(),
                bulk=self._operations.run(),
                folder_jobs=self._folders.run(),
                folder_monitor=self._folders.watch(),
            ):
                yield
        finally:
            await self._chat.close()
            await self._database.close()
            await self._search_database.close()
            self._folders.close()
            await self.limiter.close()
            self._store.close()

    def health(self) -> Health:
        """Only what an upload needs is critical: Kafka may be away."""
        health = Health(SERVICE)
        health.add("database", self._database.ping)
        health.add("object_store", self._store.ensure_bucket)
        health.add("kafka", self._consuming.check, critical=False)
        return health

    def routers(self) -> list[APIRouter]:
        settings = self._settings
        links = LinkMaker(settings.public)
        queueing = Queueing(database=self._database, clock=self._clock)
        documents = DocumentRoutes(
            database=self._database, lifecycle=self._lifecycle, queueing=queueing, links=links
        )
        artifacts = ArtifactRoutes(
            lifecycle=self._lifecycle, reader=self._reader, store=self._store
        )
        doors = Doors(
            settings,
            desk=self._desk,
            sessions=self._sessions,
            acceptor=self._acceptor,
            completer=self._completer,
            chat_jobs=self._chat.jobs,
        )
        return [
            *doors.routers(links),
            ReprocessingRoutes(
                reprocessing=self._reprocessing, operations=self._operations, links=links
            ).router(),
            RetentionRoutes(retention=self._retention).router(),
            OperatorRoutes(reconciler=self._reconciler).router(),
            ProcessingRoutes(
                queueing=queueing,
                lifecycle=self._lifecycle,
                database=self._database,
            ).router(),
            FolderJobRoutes(self._folders.jobs).router(),
            self._presigned(links).router(),
            StoreWebhookRoutes(
                database=self._database,
                outbox=self._outbox,
                clock=self._clock,
                settings=settings.store_events,
            ).router(),
            documents.router(),
            artifacts.router(),
            SearchRoutes(searcher=self._searcher(), lifecycle=self._lifecycle).router(),
            GraphRoutes(self._graph()).router(),
            ShortRoutes(
                lifecycle=self._lifecycle,
                queueing=queueing,
                admission=self._admission,
                limits=settings.limits,
                clock=self._clock,
            ).router(),
            ApiKeyRoutes(keys=self._keys, clock=self._clock).router(),
            LimitRoutes(
                admission=self._admission, keeper=self._limit_keeper(), settings=settings.limits
            ).router(),
        ]

    def _document_maker(self) -> DocumentMaker:
        return DocumentMaker(
            database=self._database,
            store=self._store,
            acceptor=self._acceptor,
            admission=self._admission,
            clock=self._clock,
        )

    def _presigned(self, links: LinkMaker) -> PresignRoutes:
        urls = S3PutUrls(self._settings.object_store)
        return PresignRoutes(
            desk=self._desk,
            sessions=self._sessions,
            presigner=Presigner(urls=urls, clock=self._clock),
            links=links,
        )

    def _limit_keeper(self) -> LimitKeeper:
        return LimitKeeper(database=self._database, source=self._limits, clock=self._clock)

    def _searcher(self) -> Searcher:
        index = PostgresSearchIndex(self._search_database, embedding_model=self._embeddings.name)
        return Searcher(index=index, embedder=self._embedder, database=self._database)

    def _graph(self) -> Graph:
        graph = PostgresEntityGraph(self._search_database)
        return Graph(graph=graph, database=self._database)

    def _consumer(self) -> BatchConsumer:
        consumer = BatchConsumer(self._settings.kafka, client_id=SERVICE)
        consumer.subscribe(
            topics.EVENTS,
            topics.PROGRESS,
            group=f"{SERVICE}.projector",
            apply=self._projector.apply,
            linger_ms=100,
        )
        consumer.subscribe(
            topics.OBSERVATIONS,
            group=f"{SERVICE}.observing",
            apply=Observing(self._database).apply,
        )
        consumer.subscribe(
            topics.CHILDREN,
            group=f"{SERVICE}.children",
            apply=self._children().apply,
        )
        consumer.subscribe(
            topics.COMMANDS,
            group=f"{SERVICE}.commands",
            apply=Commands(self._reprocessing).apply,
        )
        consumer.subscribe(
            topics.STORAGE_EVENTS,
            group=f"{SERVICE}.store-events",
            apply=self._store_events.apply,
            max_records=20,
        )
        return consumer

    def _children(self) -> Children:
        return Children(
            database=self._database,
            store=self._store,
            acceptor=self._acceptor,
            admission=self._admission,
            outbox=self._outbox,
            clock=self._clock,
        )

    def _relay(self) -> Relay:
        settings = self._settings
        return Relay(
            database=settings.database, schema=SERVICE, kafka=settings.kafka, client_id=SERVICE
        )

    def _sweeper(self) -> Sweeper:
        return Sweeper(
            desk=self._desk,
            lifecycle=self._lifecycle,
            reconciler=self._reconciler,
            arrivals=self._arrivals,
            retention=self._retention,
            settings=self._settings.sweep,
        )
