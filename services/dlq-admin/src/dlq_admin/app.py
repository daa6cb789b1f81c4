"""Puts dlq-admin together: the only module that knows concrete classes."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from starlette.types import Lifespan

from dlq_admin.api import breakers, entries, problems, replays, reports
from dlq_admin.api.reading import Reading
from dlq_admin.api.services import Services
from dlq_admin.consumers import indexer, observer, resolver
from dlq_admin.consumers.indexer import Indexer
from dlq_admin.consumers.observer import Observer
from dlq_admin.consumers.resolver import Resolver
from dlq_admin.replaying.edits import Entries
from dlq_admin.replaying.orders import Orders
from dlq_admin.replaying.runner import Runner
from dlq_admin.settings import DlqAdminSettings
from dlq_admin.stages import Stages
from dlq_admin.sweep import Sweep
from docyard_common.api_keys import KeyedVerifier, PostgresApiKeys
from docyard_common.auth import TokenVerifier, Verifier
from docyard_common.clock import SystemClock
from docyard_common.database import Database, migrate
from docyard_common.events import topics
from docyard_common.events.stages import Stage
from docyard_common.http import authenticate_with, background, create_app
from docyard_common.ids import uuid7
from docyard_common.kafka.admin import ensure_topics
from docyard_common.kafka.consumer import BatchConsumer
from docyard_common.kafka.steady import SteadyConsumer
from docyard_common.observability.health import Health
from docyard_common.outbox import Outbox, Relay

SERVICE: Final = "dlq-admin"
SCHEMA: Final = "dlq_admin"
MIGRATIONS: Final = Path(__file__).parent / "migrations"
_DESCRIPTION: Final = "Finds, explains, replays and discards dead letters."


def build(settings: DlqAdminSettings) -> FastAPI:
    """Return the service; it connects to nothing before its lifespan begins.

    Raises ValueError for settings that can not work, as a secret that is too short.
    """
    database = Database(settings.database, schema=SCHEMA, application_name=SERVICE)
    consuming = SteadyConsumer(
        prepare=partial(ensure_topics, settings.kafka), make=partial(_consumer, settings, database)
    )
    health = Health(SERVICE)
    health.add("database", database.ping)
    health.add("kafka", consuming.check, critical=False)  # what is indexed can be read without it
    services = assemble(database, health)
    lifespan = _lifespan(settings, database, consuming, services.runner)
    verifier = KeyedVerifier(
        TokenVerifier(settings.auth), keys=PostgresApiKeys(database), clock=SystemClock()
    )
    return application(settings, services, lifespan, verifier=verifier)


def application(
    settings: DlqAdminSettings,
    services: Services,
    lifespan: Lifespan[FastAPI],
    *,
    verifier: Verifier,
) -> FastAPI:
    """Return the HTTP side of the service over *services*."""
    app = create_app(
        title="Docyard dlq-admin",
        description=_DESCRIPTION,
        settings=settings.http,
        health=services.health,
        lifespan=lifespan,
    )
    authenticate_with(app, verifier)
    problems.install(app)
    for module in (entries, replays, reports):
        app.include_router(module.routes(services))
        app.include_router(module.short_routes(services))
    app.include_router(breakers.short_routes(services))
    return app


def assemble(database: Database, health: Health) -> Services:
    """Return the handlers over *database*."""
    clock, outbox = SystemClock(), Outbox(source=SERVICE)
    owner = f"{os.getpid()}-{uuid7()}"
    return Services(
        reading=Reading(database, clock=clock),
        orders=Orders(database, clock=clock),
        entries=Entries(database, outbox=outbox),
        stages=Stages(database, outbox=outbox, clock=clock),
        runner=Runner(database, outbox=outbox, clock=clock, owner=owner),
        health=health,
    )


def _consumer(settings: DlqAdminSettings, database: Database) -> BatchConsumer:
    consumer = BatchConsumer(settings.kafka, client_id=SERVICE)
    letters = [topics.dead_letters(stage) for stage in Stage]
    indexing = Indexer(
        database, max_replays=settings.dead_letters.max_replays, retention=_retention(letters)
    )
    consumer.subscribe(*letters, group=indexer.GROUP, apply=indexing.apply, reject=indexing.reject)
    consumer.subscribe(
        topics.EVENTS, group=resolver.GROUP, apply=Resolver(database).apply, linger_ms=500
    )
    consumer.subscribe(
        topics.OBSERVATIONS, group=observer.GROUP, apply=Observer(database).apply, linger_ms=500
    )
    return consumer


def _retention(letters: list[str]) -> timedelta:
    """Return how long the topics keep dead letters, as they are declared."""
    kept_ms = min(topic.retention_ms for topic in topics.declared() if topic.name in letters)
    return timedelta(milliseconds=kept_ms)


def _lifespan(
    settings: DlqAdminSettings, database: Database, consuming: SteadyConsumer, runner: Runner
) -> Lifespan[FastAPI]:
    relay = Relay(
        database=settings.database, schema=SCHEMA, kafka=settings.kafka, client_id=SERVICE
    )
    sweep = Sweep(
        database,
        clock=SystemClock(),
        history=timedelta(days=settings.dead_letters.history_days),
        interval_s=settings.dead_letters.sweep_interval_s,
    )

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await migrate(settings.database, schema=SCHEMA, locations=MIGRATIONS)
        await database.open()
        try:
            async with background(
                app,
                indexing=consuming.run(),
                relay=relay.run(),
                replays=runner.run(),
                sweep=sweep.run(),
            ):
                yield
        finally:
            await database.close()

    return lifespan
