"""Puts the parts of chat uploads together, from what `app` hands over."""

from dataclasses import dataclass
from typing import Final

from docyard_common.clock import Clock
from docyard_common.database import Database
from docyard_common.language_model import DEPENDENCY, ChatCompletions
from docyard_common.resilience import CircuitBreaker, show_state
from ingest.chat.answering import Answerer
from ingest.chat.jobs import ChatJobs
from ingest.chat.model import AnsweringModel
from ingest.documents.artifact_reader import ArtifactReader
from ingest.documents.lifecycle import Lifecycle
from ingest.documents.searching import Searcher
from ingest.settings import ChatSettings

_ANSWER_MARGIN_S: Final = 30.0
"""What reading and searching may take beside the language model."""


@dataclass(frozen=True)
class Chat:
    """Jobs, and the model that writes their answers where there is one."""

    jobs: ChatJobs
    model: AnsweringModel | None

    async def close(self) -> None:
        """Give up what is being answered, then the model's connections."""
        await self.jobs.close()
        if self.model is not None:
            await self.model.close()


def assemble(
    settings: ChatSettings,
    *,
    database: Database,
    lifecycle: Lifecycle,
    reader: ArtifactReader,
    searcher: Searcher,
    clock: Clock,
) -> Chat:
    """Return the parts; nothing is connected before the first answer."""
    model = _model(settings)
    jobs = ChatJobs(
        database=database,
        lifecycle=lifecycle,
        answerer=Answerer(reader=reader, searcher=searcher, model=model),
        clock=clock,
        longest_answer_s=settings.timeout_s + _ANSWER_MARGIN_S,
    )
    return Chat(jobs, model)


def _model(settings: ChatSettings) -> AnsweringModel | None:
    if not settings.base_url:
        return None
    breaker = CircuitBreaker(DEPENDENCY, on_change=show_state)
    return AnsweringModel(settings, completions=ChatCompletions(settings, breaker=breaker))
