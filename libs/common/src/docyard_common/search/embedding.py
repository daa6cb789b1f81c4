"""Embeddings by an offline model (wordllama, weights inside its wheel): texts into 256 numbers.

Imported only by what embeds: it brings numpy and the model, about 150 MB.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
import wordllama
from wordllama.inference import WordLlamaInference


class Embedder:
    """Makes embeddings of unit length: their dot product is their cosine."""

    def __init__(self, model: WordLlamaInference) -> None:
        self._model = model

    @classmethod
    def load(cls) -> Self:
        """Load the model from the installed package, without any network; takes about 2 s."""
        folder = Path(wordllama.__file__).parent
        return cls(wordllama.WordLlama.load(cache_dir=folder, disable_download=True))

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
