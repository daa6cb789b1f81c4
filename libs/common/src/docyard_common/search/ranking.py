"""Puts rankings together: reciprocal rank fusion (Cormack et al., 2009)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

_K: Final = 60
"""Dampens the lead of the first places; the value of the paper."""

MIN_SIMILARITY: Final = 0.2
"""Cosine below which passages have nothing to do with a query (seen: unrelated up to 0.18)."""


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
    return (_first_of_each(ranked) if per_document else ranked)[:limit]


def candidates(limit: int) -> int:
    """Return how many places each ranking should name, for *limit* documents to come out."""
    return max(50, limit * 5)


def _first_of_each(ranked: Sequence[Ranked]) -> list[Ranked]:
    first: dict[UUID, Ranked] = {}
    for entry in ranked:
        first.setdefault(entry.place.document_id, entry)
    return list(first.values())
