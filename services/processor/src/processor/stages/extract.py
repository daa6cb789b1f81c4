"""Extract: pages one after the other, handed over in batches while the rest is still unread."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from docyard_common.artifacts import Page, PageError, dump_pages
from processor.extraction.document import Enclosing, OpenDocument, Source
from processor.extraction.registry import has_another_extractor, opened, read_alone
from processor.stages.errors import DecompressionLimitError, UnreadableDocumentError
from processor.stages.measures import Measure
from processor.stages.opening import source_of
from processor.stages.task import Extracted, PagesReady, Progress, Report, StageTask
from processor.stages.unfolding import Unfolding

_BATCH_PAGES: Final = 64
_BATCH_SECONDS: Final = 1.0
"""Pages are readable at most this long after they were read."""
_BATCH_CHARACTERS: Final = 4_000_000
_MAX_LISTED_ERRORS: Final = 1_000


@dataclass
class _Batch:
    first: int
    since: float
    last: int = 0
    characters: int = 0
    pages: list[Page] = field(default_factory=list)

    def is_due(self, now: float) -> bool:
        return (
            self.last - self.first + 1 >= _BATCH_PAGES
            or self.characters >= _BATCH_CHARACTERS
            or now - self.since >= _BATCH_SECONDS
        )


class _Extraction:
    """One run over the pages of one document."""

    def __init__(
        self, task: StageTask, source: Source, report: Report, clock: Callable[[], float]
    ) -> None:
        self._task = task
        self._source = source
        self._one_by_one = Measure.ONE_PAGE_AT_A_TIME in task.measures
        self._report = report
        self._clock = clock
        self._batch = _Batch(first=task.first_page, since=clock())
        self.last = task.first_page - 1
        self.characters = 0
        self.read = 0
        self.errors: list[PageError] = []

    def run(self, document: OpenDocument) -> None:
        for page in self._pages(document):
            self._take(page)
            self._report.progress(Progress(pages_done=page.number, pages_total=document.page_count))
            if self._one_by_one or self._batch.is_due(self._clock()):
                self._flush()
        if self._batch.last:
            self._flush()

    def _pages(self, document: OpenDocument) -> Iterator[Page | PageError]:
        """Read all pages; the one at which earlier attempts ended by other means, where there are.

        Without other means a document of that page alone is read as it is: nothing would be left.
        """
        first = self._task.first_page
        total = document.page_count
        if self._spares(first, total):
            if total is None or first <= total:
                yield read_alone(self._source, first)
            first += 1
        yield from document.pages(first)

    def _spares(self, first: int, total: int | None) -> bool:
        task, source = self._task, self._source
        if Measure.SPARED_PAGE not in task.measures or _opens_otherwise(task, source):
            return False
        return has_another_extractor(source) or first > 1 or (total or 1) > 1

    def _take(self, page: Page | PageError) -> None:
        self.last = self._batch.last = page.number
        if isinstance(page, PageError):
            self.errors.append(page)
            return
        self.read += 1
        self.characters += len(page.text)
        self._batch.characters += len(page.text)
        self._batch.pages.append(page)
        if self.characters > self._task.limits.max_characters:
            raise DecompressionLimitError("The document has more text than is processed.")

    def _flush(self) -> None:
        batch = self._batch
        self._report.pages(
            PagesReady(
                first=batch.first,
                last=batch.last,
                characters=batch.characters,
                data=dump_pages(batch.pages),
            )
        )
        self._batch = _Batch(first=batch.last + 1, since=self._clock())


def extract(
    task: StageTask, report: Report, *, clock: Callable[[], float] = time.monotonic
) -> Extracted:
    """Read from `first_page` to the end.

    Single pages that fail are listed; a document none of whose pages can be read raises
    UnreadableDocumentError. Raises what `sniff` and `Extractor` raise, too.
    """
    source = source_of(task)
    with opened(source, otherwise=_opens_otherwise(task, source)) as document:
        if isinstance(document, Enclosing):
            # First, so that the text can say what became of each.
            document.unfold(Unfolding(task, report).take)
        run = _Extraction(task, source, report, clock)
        run.run(document)
        if run.errors and not run.read and task.first_page == 1:
            raise UnreadableDocumentError(f"No page can be read: {run.errors[0].message}")
        return Extracted(
            media_type=source.media_type,
            page_count=run.last,
            characters=run.characters,
            page_errors=tuple(run.errors[:_MAX_LISTED_ERRORS]),
            extractor=document.extractor,
            metadata=document.metadata(),
            # Last, so that all text is safe before a renderer sees the document.
            thumbnail=_thumbnail(document, task),
        )


def _opens_otherwise(task: StageTask, source: Source) -> bool:
    """Tell whether earlier attempts may have died at opening: nobody has seen a page since."""
    is_asked = Measure.ANOTHER_EXTRACTOR in task.measures and has_another_extractor(source)
    return is_asked and task.pages_total is None and task.first_page == 1


def _thumbnail(document: OpenDocument, task: StageTask) -> bytes | None:
    wanted = task.options.get("thumbnail") is not False
    return document.thumbnail() if wanted and Measure.NO_THUMBNAIL not in task.measures else None
