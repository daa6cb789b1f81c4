"""Embeddings by an offline model (wordllama, weights inside its wheel): texts into 256 numbers.

Imported only by what embeds: it brings numpy and the model, about 150 MB.
"""

from collections.abc import Sequence
from typing import Self

import numpy as np
from wordllama import WordLlama
from wordllama.config import ModelURI
from wordllama.inference import WordLlamaInference

from docyard_common.search.embedding_model import OWN, EmbeddingModel, embedding_model
from docyard_common.search.port import EMBEDDING_SIZE


class Embedder:
    """Makes embeddings of unit length: their dot product is their cosine."""

    def __init__(self, model: WordLlamaInference) -> None:
        self._model = model

    @classmethod
    def load(cls, model: EmbeddingModel | None = None) -> Self:
        """Load *model*, or the one in the wheel, without any network; takes about 2 s.

        Raises FileNotFoundError where its files are gone, ValueError where they are no model of
        256 numbers.
        """
        model = model or embedding_model()
        loaded = WordLlama.load(
            _own() if model.is_own else model.kind,
            cache_dir=model.folder,
            dim=EMBEDDING_SIZE,
            disable_download=True,
        )
        if loaded.embedding.ndim != 2 or loaded.embedding.shape[1] != EMBEDDING_SIZE:  # noqa: PLR2004
            raise ValueError(f"the model in {model.folder} does not make {EMBEDDING_SIZE} numbers")
        return cls(loaded)

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return one embedding a text; all zero where a text says nothing to the model.

        Blocks: about 1 ms for each 150 words.
        """
        if not texts:
            return []
        raw = np.asarray(self._model.embed(list(texts), norm=False), dtype=np.float32)
        lengths = np.linalg.norm(raw, axis=1, keepdims=True)
        unit = np.divide(raw, lengths, out=np.zeros_like(raw), where=lengths > 0)
        embeddings: list[list[float]] = np.nan_to_num(unit).tolist()
        return embeddings


def _own() -> ModelURI:
    return ModelURI(
        repo_id="",
        available_dims=[EMBEDDING_SIZE],
        binary_dims=[],
        tokenizer_config=f"{OWN}_tokenizer_config.json",
    )
