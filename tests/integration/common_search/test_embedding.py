"""The offline model: loaded from its package, near for near texts."""

import math
from pathlib import Path

import pytest
from tests.models import turned_model

from docyard_common.search import EMBEDDING_SIZE
from docyard_common.search.embedding import Embedder
from docyard_common.search.embedding_model import embedding_model
from docyard_common.search.ranking import MIN_SIMILARITY
from docyard_common.settings import EmbeddingSettings


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


def test_a_model_of_ones_own_is_told_apart_and_makes_other_vectors(
    embedder: Embedder, tmp_path: Path
) -> None:
    shipped = embedding_model()
    own = embedding_model(EmbeddingSettings(folder=turned_model(tmp_path)))

    assert (shipped.is_own, own.is_own) == (False, True)
    assert own.name != shipped.name == embedding_model().name
    (before,), (after,) = embedder.embed(["an invoice"]), Embedder.load(own).embed(["an invoice"])
    assert after == pytest.approx(before[-1:] + before[:-1])
    assert cosine(before, after) < MIN_SIMILARITY


def test_a_model_of_another_size_and_one_that_is_not_there_are_refused(tmp_path: Path) -> None:
    small = embedding_model(EmbeddingSettings(folder=turned_model(tmp_path / "small", numbers=64)))

    with pytest.raises(ValueError, match="256 numbers"):
        Embedder.load(small)
    with pytest.raises(FileNotFoundError):
        embedding_model(EmbeddingSettings(folder=tmp_path / "nothing"))
