"""Puts rankings together: reciprocal rank fusion (Cormack et al., 2009)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

_K: Final = 60
"""Dampens the lead of the first places; the value of the paper."""

MIN_SIMILARITY: Final = 0.2
"""Cosine below which passages have nothing to do with a query (seen: unrelated up to 0.18)."""

_OF_EACH: Final = 3
"""Passages of one document by words: another ranking may favour one that is not its first."""


@dataclass(frozen=True)
class Place:
    """A chunk in a ranking."""

    document_id: UUID
    ordinal: int


@dataclass(frozen=True)
class Ranked:
    """A chunk with its score, 1 for the first place in every ranking."""

    place: Place
    score: float


def fuse(rankings: Sequence[Sequence[Place]], *, limit: int, per_document: bool) -> list[Ranked]:
    """Return the best *limit* places over all *rankings*, best first.

    *per_document* keeps only the best place of each document.
    """
    scores: dict[Place, float] = {}
    for ranking in rankings:
        for rank, place in enumerate(ranking, 1):
            scores[place] = scores.get(place, 0.0) + 1 / (_K + rank)
    best = max(len(rankings), 1) / (_K + 1)
    ranked = [Ranked(place, score / best) for place, score in scores.items()]
    ranked.sort(key=lambda entry: -entry.score)
    return (_best_of_each(ranked) if per_document else ranked)[:limit]


def candidates(limit: int) -> int:
    """Return how many places each ranking should name, for *limit* documents to come out."""
    return max(50, limit * 5)


def of_each(limit: int, *, per_document: bool) -> int:
    """Return how many places a ranking by words names of one document.

    Where hits are one *per_document*, a long document must not take the places of all others.
    """
    return _OF_EACH if per_document else candidates(limit)


def first_of_each(ranking: Sequence[Place], number: int) -> list[Place]:
    """Return *ranking* with no more than the first *number* places of each document."""
    named: Counter[UUID] = Counter()
    kept = []
    for place in ranking:
        named[place.document_id] += 1
        if named[place.document_id] <= number:
            kept.append(place)
    return kept


def _best_of_each(ranked: Sequence[Ranked]) -> list[Ranked]:
    first: dict[UUID, Ranked] = {}
    for entry in ranked:
        first.setdefault(entry.place.document_id, entry)
    return list(first.values())
