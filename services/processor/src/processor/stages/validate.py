"""Validate: the document is whole, is what it claims to be, and can be opened."""

import hashlib

from processor.extraction.registry import opened
from processor.stages.errors import ChecksumMismatchError
from processor.stages.measures import Measure
from processor.stages.opening import input_of, source_of
from processor.stages.task import Progress, Report, StageTask, Validated


def validate(task: StageTask, report: Report) -> Validated:
    """Open the document and close it again; limits and encryption show at opening.

    One that an earlier attempt died of is not opened: extract will show what that would have.
    Raises ChecksumMismatchError, and what `sniff` and `Extractor` raise.
    """
    _require_same_bytes(task)
    source = source_of(task)
    if Measure.UNOPENED in task.measures:
        return Validated(media_type=source.media_type, page_count=None)
    with opened(source) as document:
        pages = document.page_count
    report.progress(Progress(pages_done=pages or 0, pages_total=pages))
    return Validated(media_type=source.media_type, page_count=pages)


def _require_same_bytes(task: StageTask) -> None:
    path = input_of(task)
    size = path.stat().st_size
    if size != task.size_bytes:
        raise ChecksumMismatchError(f"{task.size_bytes} bytes were accepted, {size} are stored.")
    if (task.sha256_read or _sha256(task)) != task.sha256:
        raise ChecksumMismatchError("The stored bytes are not those that were accepted.")


def _sha256(task: StageTask) -> str:
    with input_of(task).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
