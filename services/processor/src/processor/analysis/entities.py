"""Entities of a document, gathered page by page, with every page that names them."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Final

from docyard_common.analysis import Entity, Mention
from docyard_common.artifacts import Page
from processor.analysis.found import Found
from processor.analysis.names import find_names
from processor.analysis.patterns import find_patterns

_MAX_PER_KIND: Final = 200
_MAX_GATHERED: Final = 50_000
"""Different entities held while a document is read; a list of a million addresses stops there."""
_MAX_PAGES: Final = 1_000
_MAX_MENTIONS: Final = 50
_MAX_SPELLINGS: Final = 20


@dataclass
class _Seen:
    count: int = 0
    pages: dict[int, None] = field(default_factory=dict)  # ordered, without repeats
    mentions: list[Mention] = field(default_factory=list)
    spellings: Counter[str] = field(default_factory=Counter)

    def add(self, found: Found, page: int) -> None:
        self.count += 1
        if len(self.pages) < _MAX_PAGES:
            self.pages[page] = None
        if len(self.mentions) < _MAX_MENTIONS:
            self.mentions.append(Mention(page=page, start=found.start, end=found.end))
        if found.text in self.spellings or len(self.spellings) < _MAX_SPELLINGS:
            self.spellings[found.text] += 1


class EntityCollector:
    """Takes the pages of one document, one after the other."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], _Seen] = {}

    def add(self, page: Page) -> list[Found]:
        """Return what *page* names, in the order of the text."""
        # Two patterns may find the same, as an IBAN that is a reference, too.
        found = {
            (each.name, each.start): each
            for find in (find_patterns, find_names)
            for each in find(page.text)
        }
        named = sorted(found.values(), key=lambda each: each.start)
        for each in named:
            if each.name in self._seen or len(self._seen) < _MAX_GATHERED:
                self._seen.setdefault(each.name, _Seen()).add(each, page.number)
        return named

    def entities(self) -> tuple[Entity, ...]:
        """Return the most frequent of each kind, kinds in alphabetical order."""
        by_kind: dict[str, list[Entity]] = defaultdict(list)
        for (kind, key), seen in self._seen.items():
            by_kind[kind].append(_entity(kind, key, seen))
        return tuple(
            entity
            for kind in sorted(by_kind)
            for entity in sorted(by_kind[kind], key=lambda e: (-e.count, e.text))[:_MAX_PER_KIND]
        )


def _entity(kind: str, key: str, seen: _Seen) -> Entity:
    """Return the entity under the spelling that is used most, the first one of equals."""
    return Entity(
        kind=kind,
        key=key,
        text=seen.spellings.most_common(1)[0][0],
        count=seen.count,
        pages=tuple(seen.pages),
        mentions=tuple(seen.mentions),
    )
