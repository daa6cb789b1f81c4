"""What kind of paper a document is, by rules on its format and its first words."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from typing import Final

from docyard_common.analysis import Classification, DocumentType
from processor.analysis.type_rules import MEDIA_TYPES, TEXT_RULES, TextRule

_HEAD_CHARACTERS: Final = 1_500
_TEXT_CHARACTERS: Final = 20_000
_MIN_CONFIDENCE: Final = 0.4
"""Below this any type is a guess, and none is told."""
_SLIDE_RATIO: Final = 1.2
_SLIDE_PAGES: Final = 4
_SLIDE_CHARACTERS: Final = range(40, 700)
"""Of a slide on average: a page of prose has 2,000 and more, an empty one none."""
_SLIDES_WEIGHT: Final = 0.5


class TypeFinder:
    """Takes the pages of one document and says what speaks for which type."""

    def __init__(self, content_type: str | None) -> None:
        self._content_type = content_type
        self._text = ""
        self._pages = 0
        self._characters = 0
        self._landscape = 0

    def add(self, text: str, *, width: float | None, height: float | None) -> None:
        """Take the next page."""
        if len(self._text) < _TEXT_CHARACTERS:
            self._text += text[: _TEXT_CHARACTERS - len(self._text)] + "\n"
        self._pages += 1
        self._characters += len(text)
        if width and height and width / height >= _SLIDE_RATIO:
            self._landscape += 1

    def classification(self) -> Classification | None:
        """Return the type with the most for it; None where too little speaks for any.

        Rules for one type add up as independent chances; what speaks for another takes away.
        """
        fired: dict[DocumentType, list[tuple[float, str]]] = defaultdict(list)
        for document_type, weight, name in self._fired():
            fired[document_type].append((weight, name))
        ranked = sorted(((_chance(rules), kind) for kind, rules in fired.items()), reverse=True)
        if not ranked:
            return None
        best, document_type = ranked[0]
        rival = ranked[1][0] if len(ranked) > 1 else 0.0
        confidence = round(best * (1 - rival / 3), 3)
        if confidence < _MIN_CONFIDENCE:
            return None
        rules = tuple(name for _, name in sorted(fired[document_type], reverse=True))
        return Classification(document_type=document_type, confidence=confidence, rules=rules)

    def _fired(self) -> Iterator[tuple[DocumentType, float, str]]:
        for media_type, (document_type, weight) in MEDIA_TYPES.items():
            if self._content_type == media_type:
                yield document_type, weight, f"{document_type}.format"
        if self._looks_like_slides():
            yield DocumentType.PRESENTATION, _SLIDES_WEIGHT, "presentation.slides"
        for rule in TEXT_RULES:
            if self._fires(rule):
                yield rule.document_type, rule.weight, rule.name

    def _fires(self, rule: TextRule) -> bool:
        text = self._text[:_HEAD_CHARACTERS] if rule.head else self._text
        enough = islice(rule.pattern.finditer(text), rule.times)
        return sum(1 for _ in enough) == rule.times

    def _looks_like_slides(self) -> bool:
        return (
            self._pages >= _SLIDE_PAGES
            and self._landscape == self._pages
            and self._characters // self._pages in _SLIDE_CHARACTERS
        )


def _chance(rules: list[tuple[float, str]]) -> float:
    against = 1.0
    for weight, _ in rules:
        against *= 1 - weight
    return 1 - against
