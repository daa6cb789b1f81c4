"""The composition root of the processor: the only place that knows concrete classes."""

import os
import socket
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from docyard_common.database import Database, migrate
from docyard_common.delivery.retry import RetryPolicy
from docyard_common.events import topics
from docyard_common.events.stages import Priority, Stage
from docyard_common.http.app import create_app
from docyard_common.http.lifecycle import background
from docyard_common.kafka.admin import ensure_topics
from docyard_common.kafka.consumer import BatchConsumer
from docyard_common.kafka.producer import ProgressPublisher
from docyard_common.kafka.steady import SteadyConsumer
from docyard_common.language_model import DEPENDENCY, ChatCompletions
from docyard_common.observability.health import Health
from docyard_common.outbox import Outbox, Relay
from docyard_common.resilience import CircuitBreaker, show_state
from docyard_common.search import PostgresSearchIndex, migrate_search
from docyard_common.search.embedding_model import FOLDER_VARIABLE, embedding_model
from docyard_common.settings import EmbeddingSettings
from docyard_common.storage import MinioObjectStore, RecentObjects
from processor.commands import Commands
from processor.enrichment.budget import Budget
from processor.enrichment.enricher import Enricher
from processor.eraser import Eraser
from processor.handlers.analyze import Analyze
from processor.handlers.desk import Desk
from processor.handlers.extract import Extract
from processor.handlers.index import Index
from processor.handlers.remote import RemoteExtractor
from processor.handlers.reusing import Reusing
from processor.handlers.validate import Validate
from processor.heartbeat import Heartbeat
from processor.holds import Holds
from processor.housekeeping import Housekeeping
from processor.intake import Intake
from processor.listener import Listener
from processor.load import Load
from processor.machine import memory_bytes
from processor.memory import Memory
from processor.memory_history import MemoryHistory
from processor.observer import Observer
from processor.progress import ProgressReporter
from processor.reembedding import Reembedder
from processor.reuse.recipe import Recipes
from processor.runner import Runner, Work
from processor.sandbox.limits import SandboxLimits
from processor.sandbox.nursery import Nursery
from processor.sandboxes import Sandboxes
from processor.settings import ChildSettings, ModelSettings, ProcessorSettings
from processor.settle import Settlement
from processor.slots import Slots
from processor.stages.task import DocumentLimits
from processor.version import VERSION

SCHEMA = "processor"
_SHARE_OF_MEMORY = 0.7
"""The rest is for this process, and for what else runs on the machine."""
_MIGRATIONS = Path(__file__).parent / "migrations"


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
        prepare=partial(ensure_topics, settings.kafka), make=partial(_consumer, settings, parts)
    )
    health.add("database", parts.database.ping)
    health.add("object_store", parts.objects.ensure_bucket)
    health.add("kafka", consuming.check)
    await stack.enter_async_context(background(app, **parts.tasks()))
    for slots in parts.slots.values():
        stack.push_async_callback(slots.stop)
    await stack.enter_async_context(background(app, intake=consuming.run()))


class Parts:
    """The pieces of one processor, wired."""

    def __init__(self, settings: ProcessorSettings) -> None:
        self.settings = settings
        # A pick takes longer to plan than to run, and its plan never changes.
        self.database = Database(
            settings.database, schema=SCHEMA, application_name=SCHEMA, generic_plans=True
        )
        self.search = Database(
            settings.database, schema="search", application_name=SCHEMA, long_transactions=True
        )
        self.objects = MinioObjectStore(settings.object_store)
        self.outbox = Outbox(source=SCHEMA)
        self.progress = ProgressPublisher(settings.kafka, source=SCHEMA)
        self.embeddings = embedding_model(settings.embeddings)
        self.nursery = Nursery(environment=_children_see(settings.embeddings))
        self.remote = RemoteExtractor(settings.extractor)
        self.model = _model(settings.model)
        self.sandboxes = Sandboxes(_limits(settings.child), nursery=self.nursery)
        self.index = PostgresSearchIndex(self.search, embedding_model=self.embeddings.name)
        self.recipes = Recipes.of_settings(settings)
        self.settlement = Settlement(
            database=self.database, outbox=self.outbox, recipes=self.recipes
        )
        self.holds = Holds(settings.processor.stages, database=self.database)
        self.heartbeat = Heartbeat(database=self.database, lease_s=settings.processor.lease_s)
        self.worker = f"{socket.gethostname()}:{os.getpid()}"
        self.load = Load(throttle=settings.processor.cpu_throttle)
        self.memory = _memory(settings)
        self.slots: dict[Stage, Slots] = {}

    async def open(self, stack: AsyncExitStack) -> None:
        """Connect, warm the children, and make the slots."""
        stack.callback(self.objects.close)
        for database in (self.database, self.search):
            await database.open()
            stack.push_async_callback(database.close)
        await self.objects.ensure_bucket()
        stack.push_async_callback(self.remote.close)
        if self.model is not None:
            stack.push_async_callback(self.model.close)
        await self.nursery.start()
        stack.push_async_callback(self.nursery.close)
        stack.push_async_callback(self.sandboxes.close)
        runner = self._runner()
        for stage in self.settings.processor.stages:
            self.slots[stage] = Slots(
                stage,
                settings=self.settings.processor,
                worker=self.worker,
                database=self.database,
                runner=runner,
                settlement=self.settlement,
                heartbeat=self.heartbeat,
                holds=self.holds,
                load=self.load,
                memory=self.memory,
            )

    def tasks(self) -> dict[str, Coroutine[Any, Any, None]]:
        """Return what runs for as long as the process does."""
        settings = self.settings
        relay = Relay(
            database=settings.database, schema=SCHEMA, kafka=settings.kafka, client_id=SCHEMA
        )
        listener = Listener(
            settings.database,
            schema=SCHEMA,
            wake={stage: slots.wake for stage, slots in self.slots.items()},
            cancel=self.heartbeat.cancel,
            reload_holds=self.holds.load,
        )
        eraser = Eraser(database=self.database, objects=self.objects, index=self.index)
        housekeeping = Housekeeping(
            settings.processor.stages,
            database=self.database,
            memory=MemoryHistory(self.memory.estimates, database=self.database),
        )
        observer = Observer(
            database=self.database,
            publish=self.progress.publish,
            worker=self.worker,
            slots=lambda: {stage: slots.count for stage, slots in self.slots.items()},
            waiting_for_memory=self.memory.held,
        )
        reembedder = Reembedder(
            index=self.index,
            database=self.search,
            borrow=self.sandboxes.borrow,
            lend_folder=self.nursery.lend_folder,
            load=self.load,
        )
        return {
            "load": self.load.run(),
            "reembedding": reembedder.run(),
            "observer": observer.run(),
            "relay": relay.run(),
            "progress": self.progress.run(),
            "listener": listener.run(),
            "heartbeat": self.heartbeat.run(),
            "eraser": eraser.run(),
            "housekeeping": housekeeping.run(),
            **{f"slots_{stage}": slots.run() for stage, slots in self.slots.items()},
        }

    def _enricher(self) -> Enricher | None:
        if self.model is None:
            return None
        settings = self.settings.model
        budget = Budget(settings, database=self.database)
        return Enricher(settings, model=self.model, budget=budget)

    def _runner(self) -> Runner:
        child = self.settings.child
        desk = Desk(
            objects=RecentObjects(self.objects),
            borrow=self.sandboxes.borrow,
            tell=lambda lease: ProgressReporter(lease, self.progress),
            lend_folder=self.nursery.lend_folder,
            defaults={
                "ocr": child.ocr,
                "ocr_language": child.ocr_language,
                "limits": document_limits(self.settings),
            },
        )
        reusing = Reusing(
            database=self.database,
            objects=self.objects,
            recipes=self.recipes,
            enabled=self.settings.processor.reuse_results,
        )
        work: Mapping[Stage, Work] = {
            Stage.VALIDATE: Validate(desk, reusing=reusing),
            Stage.EXTRACT: Extract(desk, remote=self.remote),
            Stage.ANALYZE: Analyze(desk, enricher=self._enricher()),
            Stage.INDEX: Index(desk, index=self.index),
        }
        slots = self.settings.processor
        return Runner(
            work=work,
            settlement=self.settlement,
            retry=RetryPolicy(max_attempts=slots.max_attempts, first_delay_s=slots.first_delay_s),
            max_deliveries=slots.max_deliveries,
        )


def _consumer(settings: ProcessorSettings, parts: Parts) -> BatchConsumer:
    """One subscriber a lane and stage, so that a full lane holds back nothing but itself."""
    consumer = BatchConsumer(settings.kafka, client_id=SCHEMA)
    for stage in settings.processor.stages:
        for lane in Priority:
            intake = Intake(
                stage,
                lane,
                database=parts.database,
                outbox=parts.outbox,
                settings=settings.processor,
                estimates=parts.memory.estimates,
            )
            consumer.subscribe(
                topics.work(stage, lane),
                group=f"{stage}.{lane}",
                apply=intake.apply,
                reject=intake.reject,
            )
    commands = Commands(database=parts.database, outbox=parts.outbox, holds=parts.holds)
    consumer.subscribe(topics.COMMANDS, group="processor.commands", apply=commands.apply)
    consumer.subscribe(
        topics.EVENTS, group="processor.erasure", apply=commands.apply, linger_ms=500
    )
    return consumer


def _children_see(settings: EmbeddingSettings) -> dict[str, str]:
    return {FOLDER_VARIABLE: str(settings.folder.absolute())} if settings.folder else {}


def _memory(settings: ProcessorSettings) -> Memory:
    slots = settings.processor
    share = int(memory_bytes() * _SHARE_OF_MEMORY)
    return Memory(
        budget_bytes=slots.memory_budget_bytes or share,
        limit_bytes=settings.child.memory_bytes,
        patience_s=slots.memory_patience_s,
    )


def document_limits(settings: ProcessorSettings) -> DocumentLimits:
    """Return how much one document may unfold into."""
    child = settings.child.model_dump(include=set(DocumentLimits.model_fields))
    return DocumentLimits(**child, **settings.containers.model_dump())


def _model(settings: ModelSettings) -> ChatCompletions | None:
    if not settings.base_url:
        return None
    return ChatCompletions(settings, breaker=CircuitBreaker(DEPENDENCY, on_change=show_state))


def _limits(settings: ChildSettings) -> SandboxLimits:
    return SandboxLimits(
        memory_bytes=settings.memory_bytes,
        soft_memory_bytes=settings.memory_soft_bytes,
        total_s=settings.total_s,
        no_progress_s=settings.no_progress_s,
    )
