"""Relations: which entities are named together, how often, and where that can be read.

The window is a sentence; people and organisations that share no sentence may share a page.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Final, Literal, TypeAlias

from docyard_common.analysis import Entity, EntityName, Evidence, Relation
from docyard_common.artifacts import Page
from processor.analysis.found import Found
from processor.analysis.words import sentence_spans

_NAMES: Final = frozenset({"person", "organisation", "place", "email", "identifier"})
"""One end at least is of these: two dates, or a date and an amount, say nothing of each other."""
_ACTORS: Final = frozenset({"person", "organisation"})
_MAX_WINDOW_CHARACTERS: Final = 600
"""A table without sentence marks is one long sentence, whose ends have nothing in common."""
_MAX_IN_SENTENCE: Final = 10
_MAX_ON_PAGE: Final = 12
"""Of a list of a thousand people each pair is no relation."""
_MAX_GATHERED: Final = 50_000
_MAX_RELATIONS: Final = 500
_MAX_EVIDENCE: Final = 5
_SNIPPET_CHARACTERS: Final = 240

_Name: TypeAlias = tuple[str, str]
_Window: TypeAlias = Literal["sentence", "page"]


@dataclass
class _Pair:
    count: int = 0
    evidence: list[Evidence] = field(default_factory=list)


class _Windows:
    """Pairs in windows of one size, with how many windows name each."""

    def __init__(self, window: _Window, *, share: float) -> None:
        self.window = window
        self._share = share
        self._naming: Counter[_Name] = Counter()
        self.pairs: dict[tuple[_Name, _Name], _Pair] = {}

    def add(self, page: Page, named: Sequence[Found]) -> None:
        """Take one window: the first mention of each entity in it."""
        self._naming.update(each.name for each in named)
        for one, other in combinations(named, 2):
            if _relate(one, other):
                self._pair(page, one, other)

    def _pair(self, page: Page, one: Found, other: Found) -> None:
        names = (one.name, other.name) if one.name < other.name else (other.name, one.name)
        pair = self.pairs.get(names)
        if pair is None:
            if len(self.pairs) >= _MAX_GATHERED:
                return
            pair = self.pairs[names] = _Pair()
        pair.count += 1
        if len(pair.evidence) < _MAX_EVIDENCE:
            pair.evidence.append(_evidence(page, one, other))

    def weight(self, names: tuple[_Name, _Name]) -> float:
        either = self._naming[names[0]] + self._naming[names[1]]
        return round(self._share * 2 * self.pairs[names].count / either, 4)


class RelationCollector:
    """Takes the pages of one document, one after the other, with what they name."""

    def __init__(self) -> None:
        self._sentences = _Windows("sentence", share=1.0)
        self._pages = _Windows("page", share=0.5)

    def add(self, page: Page, named: Sequence[Found]) -> None:
        """Take a page; *named* in the order of its text."""
        if len(named) < 2:  # noqa: PLR2004 - two make a relation
            return
        for window in _by_sentence(page.text, named):
            self._sentences.add(page, window[:_MAX_IN_SENTENCE])
        actors = _first_of_each(each for each in named if each.kind in _ACTORS)
        if len(actors) <= _MAX_ON_PAGE:
            self._pages.add(page, actors)

    def relations(self, entities: Iterable[Entity]) -> tuple[Relation, ...]:
        """Return the strongest between *entities*: sentences before pages, then by count."""
        known = {
            (entity.kind, entity.key): EntityName(
                kind=entity.kind, text=entity.text, key=entity.key
            )
            for entity in entities
        }
        told = [
            _relation(known, names, windows)
            for windows in (self._sentences, self._pages)
            for names in windows.pairs
            if names[0] in known and names[1] in known
            if windows is self._sentences or names not in self._sentences.pairs
        ]
        told.sort(key=lambda each: (each.window == "page", -each.count, -each.weight))
        return tuple(told[:_MAX_RELATIONS])


def _relation(
    known: dict[_Name, EntityName], names: tuple[_Name, _Name], windows: _Windows
) -> Relation:
    pair = windows.pairs[names]
    return Relation(
        source=known[names[0]],
        target=known[names[1]],
        window=windows.window,
        count=pair.count,
        weight=windows.weight(names),
        evidence=tuple(pair.evidence),
    )


def _relate(one: Found, other: Found) -> bool:
    apart = one.end <= other.start or other.end <= one.start
    return apart and (one.kind in _NAMES or other.kind in _NAMES)


def _by_sentence(text: str, named: Sequence[Found]) -> Iterator[list[Found]]:
    """Yield what each sentence names, where it names more than one thing."""
    starts = [start for start, _ in sentence_spans(text, longest=_MAX_WINDOW_CHARACTERS)]
    windows: dict[int, list[Found]] = {}
    for each in named:
        windows.setdefault(bisect_right(starts, each.start), []).append(each)
    for window in windows.values():
        yield _first_of_each(window)


def _first_of_each(named: Iterable[Found]) -> list[Found]:
    first: dict[_Name, Found] = {}
    for each in named:
        first.setdefault(each.name, each)
    return list(first.values())


def _evidence(page: Page, one: Found, other: Found) -> Evidence:
    start, end = min(one.start, other.start), max(one.end, other.end)
    return Evidence(page=page.number, start=start, end=end, snippet=_snippet(page.text, start, end))


def _snippet(text: str, start: int, end: int) -> str:
    """Return the place as one line; the middle of a long one is left out."""
    around = max(0, _SNIPPET_CHARACTERS - (end - start)) // 2
    if around:
        before, after = max(0, start - around), min(len(text), end + around)
        shown = " ".join(text[before:after].split())
        return f"{'… ' if before else ''}{shown}{' …' if after < len(text) else ''}"
    half = _SNIPPET_CHARACTERS // 2
    parts = (text[start : start + half], text[end - half : end])
    return " … ".join(" ".join(part.split()) for part in parts)
