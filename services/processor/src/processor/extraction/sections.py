"""Documents made of parts: sheets, slides, chapters. One bad part of several is listed alone."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from docyard_common.artifacts import Page, PageError
from processor.extraction.cleaning import clean_metadata
from processor.extraction.paging import Block, paginate
from processor.stages.errors import UnreadableDocumentError

Section: TypeAlias = Callable[[], Iterator[Block]]
"""Reads one part, from its beginning at each call. Raises UnreadableDocumentError for it alone."""


@dataclass
class SectionedDocument:
    """Each section begins a page; long ones are cut into several."""

    extractor: str
    sections: Sequence[Section]
    facts: Callable[[], dict[str, Any]]
    show: Callable[[], bytes | None]  # the thumbnail
    release: Callable[[], None]

    @property
    def page_count(self) -> int | None:
        return None

    def pages(self, first: int) -> Iterator[Page | PageError]:
        number = 1
        for section in self.sections:
            for page in self._pages_of(section, number):
                if page.number >= first:
                    yield page
                number = page.number + 1

    def metadata(self) -> dict[str, Any]:
        return clean_metadata(self.facts())

    def thumbnail(self) -> bytes | None:
        return self.show()

    def close(self) -> None:
        self.release()

    def _pages_of(self, section: Section, first: int) -> Iterator[Page | PageError]:
        number = first
        try:
            for page in paginate(section(), first=first):
                yield page
                number = page.number + 1
        except UnreadableDocumentError as error:
            if len(self.sections) == 1:
                raise
            yield PageError(number=number, message=str(error))
