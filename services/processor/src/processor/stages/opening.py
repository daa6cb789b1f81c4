"""The step validate and extract share: tell the type again by the bytes, then open."""

from pathlib import Path

from docyard_common.media_types import HEAD_BYTES, sniff
from processor.extraction.document import Source
from processor.extraction.identity import require_identity
from processor.extraction.reading import asked_for
from processor.stages.measures import Measure
from processor.stages.task import StageTask


def source_of(task: StageTask) -> Source:
    """Return what an extractor opens. Raises EmptyFileError, TypeMismatchError and their like."""
    path = input_of(task)
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    media_type = sniff(head, task.filename, task.content_type)
    require_identity(path, media_type)
    reading = asked_for(
        task.options,
        ocr=task.ocr and Measure.NO_OCR not in task.measures,
        language=task.ocr_language,
    )
    return Source(
        path=path,
        filename=task.filename,
        media_type=media_type,
        limits=task.limits,
        reading=reading,
    )


def input_of(task: StageTask) -> Path:
    if task.input is None:
        raise ValueError(f"stage {task.stage} works on a file, and the task names none")
    return task.input
