"""Embedding models for tests: of the shipped one, and yet strangers to it."""

import shutil
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from docyard_common.search.embedding_model import embedding_model


def turned_model(folder: Path, *, numbers: int = 256) -> Path:
    """Write the shipped model with its axes turned by one, in the layout of EMBEDDINGS__FOLDER.

    It finds what the shipped one finds, among its own vectors alone.
    """
    shipped = embedding_model().folder
    (folder / "weights").mkdir(parents=True)
    (folder / "tokenizers").mkdir()
    (matrix,) = load_file(shipped / "weights" / "l2_supercat_256.safetensors").values()
    turned = np.ascontiguousarray(np.roll(matrix, 1, axis=1)[:, :numbers])
    save_file({"embedding.weight": turned}, folder / "weights" / "custom_256.safetensors")
    shutil.copy(
        shipped / "tokenizers" / "l2_supercat_tokenizer_config.json",
        folder / "tokenizers" / "custom_tokenizer_config.json",
    )
    return folder
