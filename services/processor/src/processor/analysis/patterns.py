"""Entities that have a form: addresses, dates, amounts, phone numbers and identifiers.

Every pattern is linear in the text: bounded repeats, no nested ones.
"""

import re
from collections.abc import Iterator
from typing import Final

from phonenumbers import Leniency, PhoneNumberFormat, PhoneNumberMatcher, format_number

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


def find_patterns(text: str) -> Iterator[tuple[str, str]]:
    """Yield (kind, text as written)."""
    yield from (("email", found.group()) for found in _EMAIL.finditer(text))
    yield from (("url", found.group().rstrip(_TRAILING)) for found in _URL.finditer(text))
    yield from (("date", found.group()) for found in _DATE.finditer(text))
    yield from (("amount", found.group().strip()) for found in _AMOUNT.finditer(text))
    yield from _phones(text)
    for pattern in _IDENTIFIERS:
        yield from (("identifier", found.group()) for found in pattern.finditer(text))
    for found in _IBAN.finditer(text):
        if _is_iban(found.group().replace(" ", "")):
            yield "identifier", found.group()


def _phones(text: str) -> Iterator[tuple[str, str]]:
    """Find numbers in international form; without a country the rest is guesswork."""
    if "+" not in text:
        return
    for found in PhoneNumberMatcher(text, None, leniency=Leniency.VALID):
        yield "phone", format_number(found.number, PhoneNumberFormat.INTERNATIONAL)


def _is_iban(text: str) -> bool:
    """Check the two digits that ISO 13616 puts in for typing errors."""
    return int("".join(str(int(letter, 36)) for letter in text[4:] + text[:4])) % 97 == 1
