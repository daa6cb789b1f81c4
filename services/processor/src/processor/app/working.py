"""What the stages are done with: children, the store, a remote extractor, a language model."""

from collections.abc import Mapping
from contextlib import AsyncExitStack

from docyard_common.database import Database
from docyard_common.events.stages import Stage
from docyard_common.kafka.producer import ProgressPublisher
from docyard_common.language_model import DEPENDENCY, ChatCompletions
from docyard_common.resilience import CircuitBreaker, show_state
from docyard_common.search.port import SearchIndex
from docyard_common.storage import ObjectStore, RecentObjects
from processor.app.limits import document_limits
from processor.courtesy import Courtesy
from processor.doubting import Doubting
from processor.enrichment.budget import Budget
from processor.enrichment.enricher import Enricher
from processor.handlers.analyze import Analyze
from processor.handlers.desk import Borrow, Desk, LendFolder
from processor.handlers.extract import Extract
from processor.handlers.index import Index
from processor.handlers.remote import RemoteExtractor
from processor.handlers.reusing import Reusing
from processor.handlers.validate import Validate
from processor.progress import ProgressReporter
from processor.reuse.recipe import Recipes
from processor.runner import Work
from processor.settings import ModelSettings, ProcessorSettings


class Working:
    """Makes what the runner calls for each stage."""

    def __init__(  # noqa: PLR0913 - what a stage's work may need
        self,
        settings: ProcessorSettings,
        *,
        database: Database,
        objects: ObjectStore,
        index: SearchIndex,
        recipes: Recipes,
        progress: ProgressPublisher,
        courtesy: Courtesy,
    ) -> None:
        self._settings = settings
        self._database = database
        self._objects = objects
        self._index = index
        self._recipes = recipes
        self._progress = progress
        self._courtesy = courtesy
        self._remote = RemoteExtractor(settings.extractor)
        self._model = _model(settings.model)

    def close_with(self, stack: AsyncExitStack) -> None:
        """Have the connections closed when *stack* ends."""
        stack.push_async_callback(self._remote.close)
        if self._model is not None:
            stack.push_async_callback(self._model.close)

    def stages(self, *, borrow: Borrow, lend_folder: LendFolder) -> Mapping[Stage, Work]:
        """Return what does the work of each stage, in children that are borrowed."""
        desk = self._desk(borrow, lend_folder)
        reusing = Reusing(
            database=self._database,
            objects=self._objects,
            recipes=self._recipes,
            enabled=self._settings.processor.reuse_results,
        )
        work: dict[Stage, Work] = {
            Stage.VALIDATE: Validate(desk, reusing=reusing),
            Stage.EXTRACT: Extract(desk, remote=self._remote),
            Stage.ANALYZE: Analyze(desk, enricher=self._enricher()),
            Stage.INDEX: Index(desk, index=self._index),
        }
        return {stage: Doubting(each) for stage, each in work.items()}

    def _desk(self, borrow: Borrow, lend_folder: LendFolder) -> Desk:
        child = self._settings.child
        return Desk(
            objects=RecentObjects(self._objects),
            borrow=borrow,
            tell=lambda lease: ProgressReporter(lease, self._progress),
            lend_folder=lend_folder,
            courtesy=self._courtesy,
            defaults={
                "ocr": child.ocr,
                "ocr_language": child.ocr_language,
                "limits": document_limits(self._settings),
            },
        )

    def _enricher(self) -> Enricher | None:
        if self._model is None:
            return None
        settings = self._settings.model
        budget = Budget(settings, database=self._database)
        return Enricher(settings, model=self._model, budget=budget)


def _model(settings: ModelSettings) -> ChatCompletions | None:
    if not settings.base_url:
        return None
    return ChatCompletions(settings, breaker=CircuitBreaker(DEPENDENCY, on_change=show_state))
