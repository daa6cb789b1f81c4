"""People, organisations and places, by how their names are built: plain rules, no model."""

import re
from collections.abc import Iterator
from typing import Final

from processor.analysis.gazetteer import places

_NAME_WORD: Final = r"[A-ZÀ-ÖØ-Þ][\w'’-]{1,30}"  # noqa: RUF001 - typographic apostrophes stand in names
_LINK: Final = r"(?:of|de|del|da|di|du|la|le|van|von|der|den|und|and|for|the|et|&)"
_SEQUENCE: Final = re.compile(rf"{_NAME_WORD}(?:[ ](?:{_LINK}[ ]){{0,2}}{_NAME_WORD}){{0,5}}")
_TITLED: Final = re.compile(
    r"\b(?:Mr|Mrs|Ms|Dr|Prof|Professor|Sir|Herr|Frau|Mme|Monsieur|Madame|Señor|Señora|President"
    r"|Senator|Judge)\.?[ ]"
    rf"((?:[A-Z]\.[ ]?){{0,2}}{_NAME_WORD}(?:[ ](?:[A-Z]\.|{_NAME_WORD})){{0,2}})"
)
_ORGANISATION_END: Final = re.compile(
    r"(?:Inc|Ltd|LLC|LLP|GmbH|AG|SE|Corp|Corporation|Company|University|Universität|Université"
    r"|Institute|Institut|Foundation|Bank|Committee|Association|Agency|Ministry|Group|Council"
    r"|Commission|Society|Laboratory|Laboratories|Press|Party|Union|Court|Department)\b"
)
_ORGANISATION_START: Final = re.compile(
    r"(?:University|Institute|Ministry|Department|Bank|Court|Universität|Université|Universidad) "
)
_MAX_PLACE_WORDS: Final = 3


def find_names(text: str) -> Iterator[tuple[str, str]]:
    """Yield (kind, name): organisations and places by their words, people by their titles."""
    for found in _TITLED.finditer(text):
        yield "person", found.group(1)
    for found in _SEQUENCE.finditer(text):
        sequence = found.group()
        if _is_organisation(sequence):
            yield "organisation", sequence
        else:
            yield from (("place", name) for name in _places_in(sequence))


def _is_organisation(sequence: str) -> bool:
    last = sequence.rpartition(" ")[2]
    if " " not in sequence:
        return False
    return _ORGANISATION_END.fullmatch(last) is not None or (
        _ORGANISATION_START.match(sequence) is not None
    )


def _places_in(sequence: str) -> Iterator[str]:
    """Yield the longest known names inside a capitalised sequence, from left to right."""
    parts = sequence.split(" ")
    at = 0
    while at < len(parts):
        for length in range(min(_MAX_PLACE_WORDS, len(parts) - at), 0, -1):
            name = " ".join(parts[at : at + length])
            if name in places():
                yield name
                at += length
                break
        else:
            at += 1
