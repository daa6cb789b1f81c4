"""The pages that extract has left, read batch by batch from local copies."""

from collections.abc import Iterator

from docyard_common.artifacts import Page, load_pages
from processor.stages.errors import ChecksumMismatchError
from processor.stages.task import StageTask


def read_pages(task: StageTask) -> Iterator[Page]:
    """Yield the pages in order. Raises ChecksumMismatchError for a batch that is none."""
    for path in task.page_batches:
        try:
            yield from load_pages(path.read_bytes())
        except ValueError as error:
            raise ChecksumMismatchError(f"The stored pages {path.name} are damaged.") from error
