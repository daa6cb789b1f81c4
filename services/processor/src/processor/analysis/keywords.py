"""Keywords: phrases of up to three words, by how often, how widely and how early they stand."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from docyard_common.analysis import Keyword
from processor.analysis.words import Sentence, is_telling, stop_words, words

_MAX_PHRASE_WORDS: Final = 3
_LENGTH_BONUS: Final = 0.35
_EARLY_BONUS: Final = 0.5
_COVERED: Final = 0.6
"""A word that stands in a chosen phrase this often says nothing more."""
_MAX_CANDIDATES: Final = 200


@dataclass
class _Counts:
    words: Counter[str] = field(default_factory=Counter)
    phrases: Counter[tuple[str, ...]] = field(default_factory=Counter)
    first_seen: dict[tuple[str, ...], int] = field(default_factory=dict)
    sentences: int = 0


def keywords(text: Sequence[Sentence], language: str | None, *, limit: int = 15) -> list[Keyword]:
    """Return the best first; the first scores 1."""
    counts = _count(text, stop_words(language))
    ranked = sorted(
        ((_score(phrase, counts), phrase) for phrase in counts.phrases),
        key=lambda entry: (-entry[0], entry[1]),
    )[:_MAX_CANDIDATES]
    chosen: list[Keyword] = []
    kept: list[tuple[str, ...]] = []
    for score, phrase in ranked:
        if len(chosen) == limit:
            break
        if not any(_overlap(phrase, other, counts) for other in kept):
            kept.append(phrase)
            share = score / ranked[0][0]
            chosen.append(Keyword(text=" ".join(phrase), score=round(min(1.0, share), 4)))
    return chosen


def _count(text: Sequence[Sentence], ignored: frozenset[str]) -> _Counts:
    counts = _Counts(sentences=len(text))
    for position, sentence in enumerate(text):
        for run in _runs(words(sentence.text), ignored):
            counts.words.update(run)
            for phrase in _phrases(run):
                counts.phrases[phrase] += 1
                counts.first_seen.setdefault(phrase, position)
    return counts


def _runs(found: list[str], ignored: frozenset[str]) -> Iterator[list[str]]:
    """Yield stretches of telling words: a phrase has no stop word inside."""
    run: list[str] = []
    for word in found:
        if is_telling(word, ignored):
            run.append(word)
        elif run:
            yield run
            run = []
    if run:
        yield run


def _phrases(run: list[str]) -> Iterator[tuple[str, ...]]:
    for length in range(1, _MAX_PHRASE_WORDS + 1):
        for start in range(len(run) - length + 1):
            phrase = tuple(run[start : start + length])
            if len(set(phrase)) == length:
                yield phrase


def _score(phrase: tuple[str, ...], counts: _Counts) -> float:
    times = counts.phrases[phrase]
    # A phrase that stands once is an accident, a single word may still be the topic.
    weight = math.log2(1 + times) * (0.3 if times == 1 and len(phrase) > 1 else 1.0)
    mean = sum(math.log2(1 + counts.words[word]) for word in phrase) / len(phrase)
    early = 1 + _EARLY_BONUS * (1 - counts.first_seen[phrase] / max(1, counts.sentences))
    return weight * mean * early * (1 + _LENGTH_BONUS * (len(phrase) - 1))


def _overlap(phrase: tuple[str, ...], kept: tuple[str, ...], counts: _Counts) -> bool:
    if not set(phrase) & set(kept):
        return False
    if set(phrase) <= set(kept):
        return counts.phrases[kept] >= _COVERED * counts.phrases[phrase]
    return set(kept) < set(phrase) or len(set(phrase) & set(kept)) > 1
