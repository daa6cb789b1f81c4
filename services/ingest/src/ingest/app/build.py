"""The application: its routes, what runs beside them, and its end."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

from fastapi import APIRouter, FastAPI

import ingest
from docyard_common.api_keys import migrate_access
from docyard_common.database import migrate
from docyard_common.http import authenticate_with, background, create_app, limit_rates_with
from docyard_common.kafka.admin import ensure_topics
from docyard_common.kafka.steady import SteadyConsumer
from docyard_common.observability.health import Health
from ingest.api import batch, chat, chunked, problems, uploads
from ingest.api.folder_jobs import FolderJobRoutes
from ingest.api.links import LinkMaker
from ingest.api.tus import routes as tus
from ingest.api.tus.middleware import TusMiddleware
from ingest.app.access import Access
from ingest.app.consuming import consumer
from ingest.app.documents import Documents
from ingest.app.servers import SERVICE, Servers
from ingest.app.uploading import Uploading
from ingest.settings import IngestSettings
from ingest.sweep import Sweeper

_MIGRATIONS: Final = Path(ingest.__file__).parent / "migrations"
_STREAMED: Final = tuple(one.STREAMED for one in (uploads, batch, chat, chunked, tus))
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
        streamed_paths=_STREAMED,
    )
    authenticate_with(app, parts.access.verifier)
    limit_rates_with(app, parts.access.limiter, parts.access.rates.of)
    problems.install(app)
    app.add_middleware(TusMiddleware)
    for router in parts.routers():
        app.include_router(router)
    return app


class _Parts:
    """Every part of the service, made once and handed its neighbours."""

    def __init__(self, settings: IngestSettings) -> None:
        self._settings = settings
        self._servers = Servers(settings)
        self.access = Access(settings, self._servers)
        self._documents = Documents(settings, self._servers)
        self._uploading = Uploading(settings, self._servers, admission=self.access.admission)
        make = partial(
            consumer,
            settings.kafka,
            self._servers,
            documents=self._documents,
            uploading=self._uploading,
        )
        prepare = partial(ensure_topics, settings.kafka)
        self._consuming = SteadyConsumer(prepare=prepare, make=make)

    @asynccontextmanager
    async def lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        """Connect, bring the schema up to date, and run what runs beside the requests."""
        settings, uploading = self._settings, self._uploading
        await migrate(settings.database, schema=SERVICE, locations=_MIGRATIONS)
        await migrate_access(settings.database)
        async with AsyncExitStack() as stack:
            self._close_with(stack)
            await self._servers.open()
            beside = background(
                app,
                relay=self._servers.relay().run(),
                projector=self._consuming.run(),
                sweep=self._sweeper().run(),
                whole_uploads=uploading.whole_uploads().run(),
                bulk=self._documents.operations.run(),
                folder_jobs=uploading.folders.run(),
                folder_monitor=uploading.folders.watch(),
            )
            async with beside:
                yield

    def health(self) -> Health:
        """Only what an upload needs is critical: Kafka may be away."""
        health = Health(SERVICE)
        health.add("database", self._servers.database.ping)
        health.add("object_store", self._servers.store.ensure_bucket)
        health.add("kafka", self._consuming.check, critical=False)
        return health

    def routers(self) -> list[APIRouter]:
        links = LinkMaker(self._settings.public)
        documents, uploading = self._documents, self._uploading
        return [
            *uploading.doors(links, chat_jobs=documents.chat.jobs),
            *documents.working(links),
            FolderJobRoutes(uploading.folders.jobs).router(),
            uploading.presigned(links),
            uploading.store_webhook(),
            *documents.reading(links, admission=self.access.admission),
            *self.access.routers(),
        ]

    def _close_with(self, stack: AsyncExitStack) -> None:
        """Have all of it closed, what asks before what is asked."""
        stack.push_async_callback(self._servers.close)
        stack.push_async_callback(self.access.limiter.close)
        stack.callback(self._uploading.folders.close)
        stack.push_async_callback(self._documents.chat.close)

    def _sweeper(self) -> Sweeper:
        documents = self._documents
        return Sweeper(
            desk=self._uploading.desk,
            lifecycle=documents.lifecycle,
            reconciler=documents.reconciler,
            arrivals=self._uploading.arrivals,
            retention=documents.retention,
            settings=self._settings.sweep,
        )
