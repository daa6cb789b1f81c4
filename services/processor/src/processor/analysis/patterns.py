"""Entities that have a form: addresses, dates, amounts, phone numbers and identifiers.

Every pattern is linear in the text: bounded repeats, no nested ones.
"""

import re
from collections.abc import Iterator
from typing import Final

from phonenumbers import Leniency, PhoneNumberFormat, PhoneNumberMatcher, format_number

from processor.analysis.found import Found, found

_MONTHS: Final = (
    "jan(?:uary|uar|vier)?|feb(?:ruary|ruar)?|février|mar(?:ch|s|zo|ço)?|märz|apr(?:il)?|avril"
    "|abril|may|mai|mayo|maio|june?|juni|juin|junio|july?|juli|juillet|julio|aug(?:ust)?|août"
    "|agosto|sept?(?:ember)?|septembre|septiembre|oct(?:ober|obre|ubre)?|okt(?:ober)?|nov(?:ember"
    "|embre|iembre)?|dec(?:ember)?|décembre|dez(?:ember)?|diciembre"
)
_CURRENCY: Final = r"(?:[$€£¥₹]|\b(?:USD|EUR|GBP|CHF|JPY|CNY|INR|CAD|AUD|US\$))"
_NUMBER: Final = r"\d{1,3}(?:[.,  ']\d{3}){1,5}(?:[.,]\d{1,2})?|\d{1,15}(?:[.,]\d{1,2})?"
_SCALE: Final = r"(?:\s?(?:thousand|million|billion|mn|bn|Mio|Mrd)\b)?"
_EMAIL: Final = re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}\b")
_URL: Final = re.compile(r"\b(?:https?://|www\.)[^\s<>\"'\]\[{}|\\^`]{3,500}", re.IGNORECASE)
_DATE: Final = re.compile(
    rf"\b(?:\d{{4}}-\d{{2}}-\d{{2}}|\d{{1,2}}[./]\d{{1,2}}[./]\d{{4}}"
    rf"|\d{{1,2}}(?:st|nd|rd|th|\.)?\s(?:of\s|de\s)?(?:{_MONTHS})\.?,?\s(?:de\s)?\d{{4}}"
    rf"|(?:{_MONTHS})\.?\s\d{{1,2}}(?:st|nd|rd|th)?,?\s\d{{4}}|(?:{_MONTHS})\s\d{{4}})\b",
    re.IGNORECASE,
)
_AMOUNT: Final = re.compile(
    rf"{_CURRENCY}\s?(?:{_NUMBER}){_SCALE}|\b(?:{_NUMBER}){_SCALE}\s?(?:[€£¥₹]|(?:USD|EUR|GBP|CHF|JPY)\b)"
)
_IDENTIFIERS: Final = (
    re.compile(r"\b10\.\d{4,9}/[^\s\"<>]{1,200}[^\s\"<>.,;:)]"),  # DOI
    re.compile(r"\bISBN(?:-1[03])?:?\s?((?:97[89][- ]?)?(?:\d[- ]?){9}[\dX])\b"),
    re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE),
    re.compile(r"\bCVE-\d{4}-\d{4,7}\b"),
    re.compile(r"\b[A-Z]{2,6}-\d{2,10}(?:-\d{1,10}){0,3}\b"),  # INV-2024-0017
)
_IBAN: Final = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
_TRAILING: Final = ".,;:!?)'\""


def find_patterns(text: str) -> Iterator[Found]:
    """Yield what has a form, kind after kind."""
    yield from _matches("email", _EMAIL, text)
    for match in _URL.finditer(text):
        url = match.group().rstrip(_TRAILING)
        yield found("url", url, match.start(), match.start() + len(url))
    yield from _matches("date", _DATE, text)
    yield from _matches("amount", _AMOUNT, text)
    yield from _phones(text)
    for pattern in _IDENTIFIERS:
        yield from _matches("identifier", pattern, text)
    for match in _IBAN.finditer(text):
        if _is_iban(match.group().replace(" ", "")):
            yield found("identifier", match.group(), *match.span())


def _matches(kind: str, pattern: re.Pattern[str], text: str) -> Iterator[Found]:
    for match in pattern.finditer(text):
        yield found(kind, match.group(), *match.span())


def _phones(text: str) -> Iterator[Found]:
    """Find numbers in international form; without a country the rest is guesswork."""
    if "+" not in text:
        return
    for match in PhoneNumberMatcher(text, None, leniency=Leniency.VALID):
        number = format_number(match.number, PhoneNumberFormat.INTERNATIONAL)
        yield found("phone", number, match.start, match.end)


def _is_iban(text: str) -> bool:
    """Check the two digits that ISO 13616 puts in for typing errors."""
    return int("".join(str(int(letter, 36)) for letter in text[4:] + text[:4])) % 97 == 1
