"""The pieces of one processor, wired."""

import os
import socket
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Final

from docyard_common.database import Database
from docyard_common.delivery.retry import RetryPolicy
from docyard_common.kafka.producer import ProgressPublisher
from docyard_common.outbox import Outbox, Relay
from docyard_common.search import PostgresSearchIndex
from docyard_common.search.embedding_model import FOLDER_VARIABLE, embedding_model
from docyard_common.settings import EmbeddingSettings
from docyard_common.storage import MinioObjectStore
from processor.app.limits import memory_admission, run_limit_s, sandbox_limits
from processor.app.working import Working
from processor.courtesy import Courtesy
from processor.eraser import Eraser
from processor.heartbeat import Heartbeat
from processor.holds import Holds
from processor.housekeeping import Housekeeping
from processor.listener import Listener
from processor.load import Load
from processor.memory_history import MemoryHistory
from processor.observer import Observer
from processor.reembedding import Reembedder
from processor.reuse.recipe import Recipes
from processor.runner import Runner
from processor.sandbox.nursery import Nursery
from processor.sandboxes import Sandboxes
from processor.settings import ProcessorSettings
from processor.settle import Settlement
from processor.slots import Slots

if TYPE_CHECKING:
    from docyard_common.events.stages import Stage

SCHEMA: Final = "processor"


class Parts:
    """One of each for the whole process."""

    def __init__(self, settings: ProcessorSettings) -> None:
        self.settings = settings
        # A pick takes longer to plan than to run, and its plan never changes.
        self.database = Database(
            settings.database, schema=SCHEMA, application_name=SCHEMA, generic_plans=True
        )
        self._search = Database(
            settings.database, schema="search", application_name=SCHEMA, long_transactions=True
        )
        self.objects = MinioObjectStore(settings.object_store)
        self.outbox = Outbox(source=SCHEMA)
        self._progress = ProgressPublisher(settings.kafka, source=SCHEMA)
        self._nursery = Nursery(environment=_children_see(settings.embeddings))
        self._sandboxes = Sandboxes(sandbox_limits(settings.child), nursery=self._nursery)
        embeddings = embedding_model(settings.embeddings)
        self._index = PostgresSearchIndex(self._search, embedding_model=embeddings.name)
        recipes = Recipes.of_settings(settings)
        self._settlement = Settlement(database=self.database, outbox=self.outbox, recipes=recipes)
        self._load = Load(throttle=settings.processor.cpu_throttle)
        self._courtesy = Courtesy(self._load)
        self._working = Working(
            settings,
            database=self.database,
            objects=self.objects,
            index=self._index,
            recipes=recipes,
            progress=self._progress,
            courtesy=self._courtesy,
        )
        self.holds = Holds(settings.processor.stages, database=self.database)
        self._heartbeat = Heartbeat(database=self.database, lease_s=settings.processor.lease_s)
        self._worker = f"{socket.gethostname()}:{os.getpid()}"
        self.memory = memory_admission(settings)
        self.slots: dict[Stage, Slots] = {}

    async def open(self, stack: AsyncExitStack) -> None:
        """Connect, warm the children, make the slots, and learn what holds stages back.

        Raises DependencyUnavailableError; the start then fails, and the supervisor tries again.
        """
        stack.callback(self.objects.close)
        for database in (self.database, self._search):
            await database.open()
            stack.push_async_callback(database.close)
        await self.objects.ensure_bucket()
        self._working.close_with(stack)
        await self._nursery.start()
        stack.push_async_callback(self._nursery.close)
        stack.push_async_callback(self._sandboxes.close)
        runner = self._runner()
        for stage in self.settings.processor.stages:
            self.slots[stage] = Slots(
                stage,
                settings=self.settings.processor,
                worker=self._worker,
                database=self.database,
                runner=runner,
                settlement=self._settlement,
                heartbeat=self._heartbeat,
                holds=self.holds,
                load=self._load,
                memory=self.memory,
            )
        # Before anything is picked: the listener may hear of it later than slots begin.
        await self.holds.load()

    def tasks(self) -> dict[str, Coroutine[Any, Any, None]]:
        """Return what runs for as long as the process does."""
        return {
            "load": self._load.run(),
            "reembedding": self._reembedder().run(),
            "observer": self._observer().run(),
            "relay": self._relay().run(),
            "progress": self._progress.run(),
            "listener": self._listener().run(),
            "heartbeat": self._heartbeat.run(),
            "eraser": self._eraser().run(),
            "housekeeping": self._housekeeping().run(),
            **{f"slots_{stage}": slots.run() for stage, slots in self.slots.items()},
        }

    def _runner(self) -> Runner:
        slots = self.settings.processor
        return Runner(
            work=self._working.stages(
                borrow=self._sandboxes.borrow, lend_folder=self._nursery.lend_folder
            ),
            settlement=self._settlement,
            retry=RetryPolicy(max_attempts=slots.max_attempts, first_delay_s=slots.first_delay_s),
            max_deliveries=slots.max_deliveries,
            limit_s=run_limit_s(self.settings),
        )

    def _relay(self) -> Relay:
        settings = self.settings
        return Relay(
            database=settings.database, schema=SCHEMA, kafka=settings.kafka, client_id=SCHEMA
        )

    def _listener(self) -> Listener:
        return Listener(
            self.settings.database,
            schema=SCHEMA,
            wake={stage: slots.wake for stage, slots in self.slots.items()},
            cancel=self._heartbeat.cancel,
            reload_holds=self.holds.load,
        )

    def _eraser(self) -> Eraser:
        return Eraser(database=self.database, objects=self.objects, index=self._index)

    def _housekeeping(self) -> Housekeeping:
        return Housekeeping(
            self.settings.processor.stages,
            database=self.database,
            memory=MemoryHistory(self.memory.estimates, database=self.database),
        )

    def _observer(self) -> Observer:
        return Observer(
            database=self.database,
            publish=self._progress.publish,
            worker=self._worker,
            slots=lambda: {stage: slots.count for stage, slots in self.slots.items()},
            waiting_for_memory=self.memory.held,
        )

    def _reembedder(self) -> Reembedder:
        return Reembedder(
            index=self._index,
            database=self._search,
            borrow=self._sandboxes.borrow,
            lend_folder=self._nursery.lend_folder,
            load=self._load,
            courtesy=self._courtesy,
        )


def _children_see(settings: EmbeddingSettings) -> dict[str, str]:
    return {FOLDER_VARIABLE: str(settings.folder.absolute())} if settings.folder else {}
