"""The corpus of real documents: what its manifest says each must end as."""

import json
import os
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from docyard_common.media_types import FORMATS

CORPUS = Path(os.environ.get("DOCYARD_CORPUS", Path(__file__).parents[3] / "shared" / "corpus"))
UNSUPPORTED = "failed:unsupported_type"
TAKEN = {extension for known in FORMATS.values() for extension in known.extensions}


def entries() -> list[dict[str, Any]]:
    """Return the manifest, line by line; empty where the corpus is not there.

    With DOCYARD_CORPUS_ALL somebody has asked for it: to skip every document would be no answer.
    """
    manifest = CORPUS / "manifest.jsonl"
    lines = manifest.read_text().splitlines() if manifest.exists() else []
    if not lines and os.environ.get("DOCYARD_CORPUS_ALL"):
        pytest.fail(f"No corpus in {CORPUS}: let DOCYARD_CORPUS name its folder.", pytrace=False)
    return [json.loads(line) for line in lines]


def normalized(text: str) -> str:
    """Return text as `must_contain` is compared."""
    return unicodedata.normalize("NFKC", text).casefold().replace("\u00ad", "")


def accepted(entry: dict[str, Any]) -> list[str]:
    """Return the outcomes that are right for a document, given the types that Docyard takes.

    The manifest asks only of some types that they be read. Of the others, one that is taken must
    be read, too, and one that is not must be refused.
    """
    if entry["extension"] and entry["extension"] not in TAKEN:
        return [UNSUPPORTED]
    return ["completed"] if entry["accept"] == [UNSUPPORTED] else entry["accept"]
