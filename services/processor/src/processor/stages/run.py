"""What a child runs: the stage a task names. Loaded once in the fork server, shared by children."""

import mimetypes
import os
from functools import cache
from pathlib import Path

from docyard_common.events.stages import Stage
from docyard_common.search.embedding import Embedder
from docyard_common.search.embedding_model import FOLDER_VARIABLE, embedding_model
from docyard_common.settings import EmbeddingSettings
from processor.analysis import gazetteer, language
from processor.stages.analyze import analyze
from processor.stages.extract import extract
from processor.stages.index import index
from processor.stages.task import Report, StageResult, StageTask
from processor.stages.validate import validate


def preload() -> None:
    """Load what is expensive to load, and what a confined child could not open any more."""
    embedder().embed(["warm"])
    language.detect("The first call loads the model, so that no document has to wait for it.")
    gazetteer.places()
    # Python reads the machine's tables of media types when somebody first asks.
    mimetypes.init()


def run_stage(task: StageTask, report: Report) -> StageResult:
    """Run one stage of one document. Raises PermanentError with the reason for its owner."""
    match task.stage:
        case Stage.VALIDATE:
            return validate(task, report)
        case Stage.EXTRACT:
            return extract(task, report)
        case Stage.ANALYZE:
            return analyze(task, report)
        case Stage.INDEX:
            return index(task, report, embedder=embedder())


@cache
def embedder() -> Embedder:
    """Return the model of this process; loading it takes a second or two."""
    folder = os.environ.get(FOLDER_VARIABLE)
    settings = EmbeddingSettings(folder=Path(folder) if folder else None)
    return Embedder.load(embedding_model(settings))
