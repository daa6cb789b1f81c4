"""The offline model: loaded from its package, near for near texts."""

import math

import pytest

from docyard_common.search import EMBEDDING_SIZE
from docyard_common.search.embedding import Embedder
from docyard_common.search.ranking import MIN_SIMILARITY


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return Embedder.load()


def cosine(left: list[float], right: list[float]) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))


def test_embeddings_have_unit_length(embedder: Embedder) -> None:
    for embedding in embedder.embed(["an invoice", "Grüße 🙂", "word " * 5000]):
        assert len(embedding) == EMBEDDING_SIZE
        assert math.isclose(math.hypot(*embedding), 1, rel_tol=1e-5)


def test_what_means_the_like_is_nearer_than_what_does_not(embedder: Embedder) -> None:
    question, answer, other = embedder.embed(
        [
            "holidays for employees",
            "Our vacation policy grants thirty days of paid leave per year.",
            "Kafka stores records in partitions and consumers commit offsets.",
        ]
    )

    assert cosine(question, answer) > MIN_SIMILARITY > cosine(question, other)


def test_nothing_embeds_to_nothing(embedder: Embedder) -> None:
    assert embedder.embed([]) == []
    (empty,) = embedder.embed([""])
    assert not any(map(math.isnan, empty))
