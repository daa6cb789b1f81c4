"""Which embedding model is used: where its files are, and a name that changes with them.

Vectors of two models say nothing about each other, so the index keeps which one made each.
"""

import hashlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from docyard_common.settings import EmbeddingSettings

_SHIPPED: Final = "l2_supercat"
OWN: Final = "custom"
"""What wordllama calls the files of a model that it does not know."""

FOLDER_VARIABLE: Final = "EMBEDDINGS__FOLDER"
"""How a process that has no settings, a document's child, is told of another model."""


@dataclass(frozen=True)
class EmbeddingModel:
    """A model in the layout of wordllama: `weights/` and `tokenizers/` in one folder."""

    folder: Path
    kind: str
    name: str  # of kind and contents: equal names are equal vectors

    @property
    def is_own(self) -> bool:
        """Whether the operator has brought it, and the wheel has not."""
        return self.kind == OWN


def embedding_model(settings: EmbeddingSettings | None = None) -> EmbeddingModel:
    """Return the model that *settings* name; reads its 18 MB to name it, in some 30 ms.

    Raises FileNotFoundError where the folder has no such files.
    """
    folder = (settings or EmbeddingSettings()).folder
    kind = _SHIPPED if folder is None else OWN
    folder = folder or _wheel()
    return EmbeddingModel(folder, kind, f"{kind}-{_digest(folder, kind)}")


def _wheel() -> Path:
    # Found and not imported: numpy is for those that embed.
    found = find_spec("wordllama")
    assert found is not None  # noqa: S101 - a dependency
    assert found.origin is not None  # noqa: S101 - a package with a file
    return Path(found.origin).parent


def _digest(folder: Path, kind: str) -> str:
    digest = hashlib.sha256()
    for path in (
        folder / "weights" / f"{kind}_256.safetensors",
        folder / "tokenizers" / f"{kind}_tokenizer_config.json",
    ):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:12]
