"""People, organisations and places, by how their names are built: plain rules, no model."""

import re
from collections.abc import Iterator
from typing import Final

from processor.analysis.found import Found, found
from processor.analysis.gazetteer import places

_NAME_WORD: Final = r"[A-ZÀ-ÖØ-Þ][\w'’-]{1,30}"  # noqa: RUF001 - typographic apostrophes stand in names
_LINK: Final = r"(?:of|de|del|da|di|du|la|le|van|von|der|den|und|and|for|the|et|&)"
_SEQUENCE: Final = re.compile(rf"{_NAME_WORD}(?:[ ](?:{_LINK}[ ]){{0,2}}{_NAME_WORD}){{0,5}}")
_TITLED: Final = re.compile(
    r"\b(?:Mr|Mrs|Ms|Dr|Prof|Professor|Sir|Herr|Frau|Mme|Monsieur|Madame|Señor|Señora|President"
    r"|Senator|Judge)\.?[ ]"
    rf"((?:[A-Z]\.[ ]?){{0,2}}{_NAME_WORD}(?:[ ](?:[A-Z]\.|{_NAME_WORD})){{0,2}})"
)
_FULL_NAME: Final = (
    rf"{_NAME_WORD}(?:[ ](?:[A-Z]\.|(?:van|von|de|der|di)[ ]{_NAME_WORD}|{_NAME_WORD})){{1,3}}"
)
_LABELLED: Final = re.compile(
    r"(?:^|[\n;|])[ \t]*(?:From|To|Cc|Author|Authors?|Contact|Attn|Attention|Signed(?: by)?|Name"
    r"|Prepared (?:by|for)|Written by|Tenant|Landlord|Buyer|Seller|Employee|Employer|Client"
    r"|Customer"
    r"|Von|An|Autor(?:in)?|Verfasser(?:in)?|Ansprechpartner(?:in)?|Bearbeiter(?:in)?|Kund(?:e|in)"
    r"|Mieter(?:in)?|Vermieter(?:in)?|Käufer(?:in)?|Verkäufer(?:in)?|Sachbearbeiter(?:in)?"
    rf"|z\.[ ]?Hd\.|Unterzeichnet(?: von)?)[ ]?:[ \t]*\"?({_FULL_NAME})"
)
_ADDRESSED: Final = re.compile(rf"({_FULL_NAME})\"?[ ]?[<(][\w.+-]{{1,64}}@")
_PEOPLE: Final = (_TITLED, _LABELLED, _ADDRESSED)
_ORGANISATION_END: Final = re.compile(
    r"(?:Inc|Ltd|LLC|LLP|GmbH|AG|SE|Corp|Corporation|Company|University|Universität|Université"
    r"|Institute|Institut|Foundation|Bank|Committee|Association|Agency|Ministry|Group|Council"
    r"|Commission|Society|Laboratory|Laboratories|Press|Party|Union|Court|Department)\b"
)
_ORGANISATION_START: Final = re.compile(
    r"(?:University|Institute|Ministry|Department|Bank|Court|Universität|Université|Universidad) "
)
_MAX_PLACE_WORDS: Final = 3


def find_names(text: str) -> Iterator[Found]:
    """Yield organisations and places by their words, people by titles, labels and addresses."""
    yield from _people(text)
    for match in _SEQUENCE.finditer(text):
        sequence = match.group()
        if _is_organisation(sequence):
            yield found("organisation", sequence, *match.span())
        else:
            yield from _places_in(sequence, match.start())


def _people(text: str) -> Iterator[Found]:
    taken: set[int] = set()
    for pattern in _PEOPLE:
        for match in pattern.finditer(text):
            if match.start(1) not in taken:
                taken.add(match.start(1))
                yield found("person", match.group(1), *match.span(1))


def _is_organisation(sequence: str) -> bool:
    last = sequence.rpartition(" ")[2]
    if " " not in sequence:
        return False
    return _ORGANISATION_END.fullmatch(last) is not None or (
        _ORGANISATION_START.match(sequence) is not None
    )


def _places_in(sequence: str, start: int) -> Iterator[Found]:
    """Yield the longest known names inside a capitalised sequence, from left to right."""
    parts = sequence.split(" ")
    at = 0
    while at < len(parts):
        for length in range(min(_MAX_PLACE_WORDS, len(parts) - at), 0, -1):
            name = " ".join(parts[at : at + length])
            if name in places():
                yield found("place", name, start, start + len(name))
                break
        else:
            length = 1
        start += len(" ".join(parts[at : at + length])) + 1
        at += length
