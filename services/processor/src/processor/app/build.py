"""The processor as an application: what it starts, in which order, and what ends it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

from fastapi import FastAPI

import processor
from docyard_common.database import migrate
from docyard_common.http.app import create_app
from docyard_common.http.lifecycle import background
from docyard_common.kafka.admin import ensure_topics
from docyard_common.kafka.steady import SteadyConsumer
from docyard_common.observability.health import Health
from docyard_common.search import migrate_search
from processor.app.consuming import consumer
from processor.app.parts import SCHEMA, Parts
from processor.settings import ProcessorSettings
from processor.version import VERSION

_MIGRATIONS: Final = Path(processor.__file__).parent / "migrations"


def build(settings: ProcessorSettings) -> FastAPI:
    """Return the processor as an application; its HTTP side is health and metrics only."""
    health = Health(SCHEMA, version=VERSION)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await _start(app, settings, health, stack)
            yield

    return create_app(
        title="Docyard processor",
        description="Works on documents; has no public interface.",
        settings=settings.http,
        health=health,
        lifespan=lifespan,
    )


async def _start(
    app: FastAPI, settings: ProcessorSettings, health: Health, stack: AsyncExitStack
) -> None:
    """Start everything in the order in which it is needed; *stack* ends it in reverse."""
    await migrate_search(settings.database)
    await migrate(settings.database, schema=SCHEMA, locations=_MIGRATIONS)
    parts = Parts(settings)
    await parts.open(stack)
    consuming = SteadyConsumer(
        prepare=partial(ensure_topics, settings.kafka), make=partial(consumer, settings, parts)
    )
    health.add("database", parts.database.ping)
    health.add("object_store", parts.objects.ensure_bucket)
    health.add("kafka", consuming.check)
    await stack.enter_async_context(background(app, **parts.tasks()))
    for slots in parts.slots.values():
        stack.push_async_callback(slots.stop)
    await stack.enter_async_context(background(app, intake=consuming.run()))
