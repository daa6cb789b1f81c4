"""How rankings are put together."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docyard_common.search.ranking import Place, fuse

places = st.builds(Place, st.integers(0, 5).map(lambda number: UUID(int=number)), st.integers(0, 3))
rankings = st.lists(st.lists(places, unique=True, max_size=12), max_size=3)


@given(found=rankings, limit=st.integers(1, 10), per_document=st.booleans())
def test_scores_fall_from_at_most_one(
    *, found: list[list[Place]], limit: int, per_document: bool
) -> None:
    fused = fuse(found, limit=limit, per_document=per_document)

    scores = [entry.score for entry in fused]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score <= 1.000001 for score in scores)
    assert len(fused) <= limit


@given(rankings, st.integers(1, 10))
def test_a_document_comes_once_when_asked_so(found: list[list[Place]], limit: int) -> None:
    documents = [entry.place.document_id for entry in fuse(found, limit=limit, per_document=True)]

    assert len(documents) == len(set(documents))


@given(st.lists(places, unique=True, max_size=12))
def test_a_single_ranking_keeps_its_order(ranking: list[Place]) -> None:
    fused = fuse([ranking], limit=100, per_document=False)

    assert [entry.place for entry in fused] == ranking


def test_first_everywhere_scores_one() -> None:
    first = Place(UUID(int=1), 0)

    (entry,) = fuse([[first], [first]], limit=5, per_document=True)

    assert entry.score == pytest.approx(1)


def test_no_rankings_are_no_hits() -> None:
    assert fuse([], limit=5, per_document=True) == []
