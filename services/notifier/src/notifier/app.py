"""The composition root: the only place that knows which adapter stands behind which port."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

from fastapi import APIRouter, FastAPI

from docyard_common.api_keys import KeyedVerifier, PostgresApiKeys
from docyard_common.auth import TokenVerifier
from docyard_common.clock import SystemClock
from docyard_common.database import Database, migrate
from docyard_common.errors import DependencyUnavailableError
from docyard_common.events import topics
from docyard_common.events.progress import DocumentView
from docyard_common.http import authenticate_with, background, create_app, process_of
from docyard_common.kafka.admin import ensure_topics
from docyard_common.kafka.broadcast import BroadcastReader
from docyard_common.kafka.consumer import BatchConsumer
from docyard_common.kafka.steady import SteadyConsumer
from docyard_common.observability.health import Health
from docyard_common.outbox import Outbox, Relay
from notifier.arrivals import Arrivals
from notifier.cancelling import Cancelling
from notifier.close_codes import CloseCode
from notifier.connections import Connections
from notifier.credentials import redact_server_logs
from notifier.feed import Feed
from notifier.housekeeping import Housekeeping
from notifier.hub import Hub
from notifier.live import Live
from notifier.operating import operating
from notifier.projector import Projector
from notifier.recent import RecentViews
from notifier.recovery import Recovery
from notifier.settings import SERVICE, NotifierSettings
from notifier.sse import streams
from notifier.websocket import sockets

_MIGRATIONS: Final = Path(__file__).parent / "migrations"
_TOPICS: Final = (topics.EVENTS, topics.PROGRESS)
_DESCRIPTION: Final = """
Tells live how far documents are: by WebSocket at `/api/v1/ws/progress`, by Server-Sent Events here.

`seq` grows strictly per document: keep the highest you have seen and drop what is not newer.
"""


def build(settings: NotifierSettings) -> FastAPI:
    """Return the application; nothing is connected before its lifespan starts."""
    parts = _Parts(settings)
    app = create_app(
        title="Docyard notifier",
        description=_DESCRIPTION,
        settings=settings.http,
        health=parts.health(),
        lifespan=parts.lifespan,
    )
    authenticate_with(app, parts.live.verifier)
    redact_server_logs()
    app.include_router(sockets(parts.live))
    app.include_router(streams(parts.live))
    app.include_router(parts.operating())
    return app


class _Parts:
    """Every part of the service, made once and handed its neighbours."""

    def __init__(self, settings: NotifierSettings) -> None:
        self._settings = settings
        self._database = Database(settings.database, schema=SERVICE, application_name=SERVICE)
        self._hub = Hub()
        self._recent = RecentViews(keep_s=settings.history.recent_s, is_wanted=self._is_wanted)
        self.live = self._live()
        self._projection = SteadyConsumer(
            prepare=partial(ensure_topics, settings.kafka), make=self._projector
        )
        self._reader = self._broadcast()

    @asynccontextmanager
    async def lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        """Connect, bring the schema up to date, and run what runs beside the connections."""
        settings = self._settings
        await migrate(settings.database, schema=SERVICE, locations=_MIGRATIONS)
        await self._database.open()
        drain = asyncio.create_task(self._drain(process_of(app).stopping))
        try:
            async with background(
                app,
                feed=self._reader.run(),
                projection=self._projection.run(),
                relay=self._relay().run(),
                housekeeping=self._housekeeping().run(),
            ):
                yield
        finally:
            drain.cancel()
            await self._database.close()

    def health(self) -> Health:
        """Without Kafka nothing moves, and snapshots are still right: not critical."""
        health = Health(SERVICE)
        health.add("database", self._database.ping)
        health.add("kafka", self._check_feed, critical=False)
        health.add("projection", self._projection.check, critical=False)
        return health

    def operating(self) -> APIRouter:
        return operating(connections=self.live.connections, hub=self._hub, recent=self._recent)

    def _live(self) -> Live:
        settings, clock = self._settings, SystemClock()
        recovery = Recovery(
            database=self._database,
            recent=self._recent,
            # The other half is for what comes live while the answer is written.
            max_bytes=settings.outbox.max_bytes // 2,
        )
        outbox = Outbox(source=SERVICE)
        return Live(
            settings=settings,
            clock=clock,
            verifier=KeyedVerifier(
                TokenVerifier(settings.auth), keys=PostgresApiKeys(self._database), clock=clock
            ),
            connections=Connections(max_per_user=settings.stream.max_connections_per_user),
            hub=self._hub,
            recovery=recovery,
            arrivals=Arrivals(
                recovery=recovery, hub=self._hub, settings=settings.stream, clock=clock
            ),
            cancelling=Cancelling(database=self._database, outbox=outbox, clock=clock),
        )

    def _broadcast(self) -> BroadcastReader:
        feed = Feed(
            database=self._database,
            recent=self._recent,
            hub=self._hub,
            resync=partial(self.live.connections.close_all, CloseCode.INSUFFICIENT_STATE),
        )
        return BroadcastReader(
            self._settings.kafka,
            *_TOPICS,
            client_id=SERVICE,
            begin=feed.begin,
            receive=feed.receive,
            lost=feed.lost,
        )

    def _projector(self) -> BatchConsumer:
        consumer = BatchConsumer(self._settings.kafka, client_id=SERVICE)
        projector = Projector(self._database)
        # Sessions live on the broadcast; the projection only has to follow.
        consumer.subscribe(
            *_TOPICS, group=f"{SERVICE}.projector", apply=projector.apply, linger_ms=500
        )
        return consumer

    def _relay(self) -> Relay:
        settings = self._settings
        return Relay(
            database=settings.database, schema=SERVICE, kafka=settings.kafka, client_id=SERVICE
        )

    def _housekeeping(self) -> Housekeeping:
        return Housekeeping(
            database=self._database, recent=self._recent, settings=self._settings.history
        )

    def _is_wanted(self, view: DocumentView) -> bool:
        """Whether somebody follows the document, so that its next update must build on this one."""
        followed = not view.is_terminal and self._hub.has_follower(view.owner)
        return followed or self._hub.is_watched(view.document_id)

    async def _check_feed(self) -> None:
        if not self._reader.is_alive():
            raise DependencyUnavailableError("kafka", "the feed does not hear from it")

    async def _drain(self, stopping: asyncio.Event) -> None:
        await stopping.wait()
        await self.live.connections.drain(over_s=self._settings.stream.drain_s)
