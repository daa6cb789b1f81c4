"""An extractive summary: the sentences that carry most of the keywords, in their own order."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Final

from processor.analysis.words import Sentence, is_telling, stop_words, words

_SENTENCES: Final = 4
_MAX_CHARACTERS: Final = 900
_MIN_WORDS: Final = 5
_MAX_WORDS: Final = 60
_FIRST_BONUS: Final = 1.2
_FIRST_SENTENCES: Final = 5


def summarize(text: Sequence[Sentence], language: str | None) -> tuple[str, tuple[int, ...]]:
    """Return the summary and the pages its sentences stand on; empty where nothing fits."""
    ignored = stop_words(language)
    telling = [[w for w in words(s.text) if is_telling(w, ignored)] for s in text]
    frequency = Counter(word for found in telling for word in found)
    ranked = sorted(
        (at for at in range(len(text)) if _fits(text[at])),
        key=lambda at: (-_score(telling[at], at, frequency), at),
    )
    chosen = sorted(_pick(ranked, text, telling))
    summary = " ".join(text[at].text for at in chosen)
    return summary, tuple(sorted({text[at].page for at in chosen}))


def _fits(sentence: Sentence) -> bool:
    return _MIN_WORDS <= len(sentence.text.split()) <= _MAX_WORDS or (
        " " not in sentence.text and len(sentence.text) > _MIN_WORDS * 2
    )


def _score(found: list[str], position: int, frequency: Counter[str]) -> float:
    """Mean weight of the telling words, so that length alone wins nothing."""
    if not found:
        return 0.0
    weight = sum(math.log2(1 + frequency[word]) for word in found) / math.sqrt(len(found) + 4)
    return weight * (_FIRST_BONUS if position < _FIRST_SENTENCES else 1.0)


def _pick(ranked: list[int], text: Sequence[Sentence], telling: list[list[str]]) -> list[int]:
    """Take the best sentences that do not repeat each other."""
    chosen: list[int] = []
    size = 0
    for at in ranked:
        length = len(text[at].text)
        if size + length <= _MAX_CHARACTERS and not _repeats(at, chosen, telling):
            chosen.append(at)
            size += length
        if len(chosen) == _SENTENCES:
            break
    return chosen


def _repeats(at: int, chosen: list[int], telling: list[list[str]]) -> bool:
    mine = set(telling[at])
    return any(len(mine & set(telling[other])) * 2 > len(mine) for other in chosen)
