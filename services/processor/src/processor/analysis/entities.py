"""Entities of a document, gathered page by page, with every page that names them."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

from docyard_common.artifacts import Entity, Page
from processor.analysis.names import find_names
from processor.analysis.patterns import find_patterns

_MAX_PER_KIND: Final = 200
_MAX_GATHERED: Final = 50_000
"""Different entities held while a document is read; a list of a million addresses stops there."""
_MAX_PAGES: Final = 1_000
_MAX_CHARACTERS: Final = 300


@dataclass
class _Mentions:
    count: int = 0
    pages: dict[int, None] = field(default_factory=dict)  # ordered, without repeats


class EntityCollector:
    """Takes the pages of one document, one after the other."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], _Mentions] = {}

    def add(self, page: Page) -> None:
        for finder in (find_patterns, find_names):
            for kind, text in finder(page.text):
                self._mention(kind, " ".join(text.split())[:_MAX_CHARACTERS], page.number)

    def entities(self) -> tuple[Entity, ...]:
        """Return the most frequent of each kind, kinds in alphabetical order."""
        by_kind: dict[str, list[Entity]] = defaultdict(list)
        for (kind, text), seen in self._found.items():
            pages = tuple(seen.pages)
            by_kind[kind].append(Entity(kind=kind, text=text, count=seen.count, pages=pages))
        return tuple(
            entity
            for kind in sorted(by_kind)
            for entity in sorted(by_kind[kind], key=lambda e: (-e.count, e.text))[:_MAX_PER_KIND]
        )

    def _mention(self, kind: str, text: str, page: int) -> None:
        seen = self._found.get((kind, text))
        if seen is None:
            if len(self._found) >= _MAX_GATHERED:
                return
            seen = self._found[kind, text] = _Mentions()
        seen.count += 1
        if len(seen.pages) < _MAX_PAGES:
            seen.pages[page] = None
