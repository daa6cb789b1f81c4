"""Made-up business prose: the same for the same seed, with marks no other text contains."""

import hashlib
import random
from typing import Final

_CONSONANTS: Final = "bdfgklmnprtvz"
_VOWELS: Final = "aeiou"
_MARK_SYLLABLES: Final = 5

_PEOPLE: Final = ("Ada Brandt", "Jonas Feld", "Mira Castell", "Tom Okafor", "Lena Sorel")
_COMPANIES: Final = ("Northquay Shipping Ltd", "Brandt & Feld GmbH", "Castell Timber Inc.")
_PLACES: Final = ("Hamburg", "Rotterdam", "Antwerp", "Lisbon", "Gdansk")
_GOODS: Final = ("oak planks", "copper coils", "roasted coffee", "machine parts", "winter wheat")

_TEMPLATES: Final = {
    "en": (
        "{person} of {company} confirmed that {count} crates of {goods} left {place} on {date}.",
        "The harbour office in {place} inspected the shipment and found no damage to the {goods}.",
        "An invoice over EUR {amount}.00 is due on {date} and must be paid to {company}.",
        "Please write to {mail} if the delivery note does not match the order.",
        "The storage contract between {company} and the port of {place} ends on {date}.",
        "Because of the storm, the crane team moved {count} pallets into the covered warehouse.",
    ),
    "de": (
        "{person} von {company} bestätigte, dass {count} Kisten den Hafen {place} verließen.",
        "Das Hafenamt in {place} prüfte die Lieferung und fand keinen Schaden an der Ware.",
        "Die Rechnung über {amount} Euro ist bis zum {date} an {company} zu bezahlen.",
        "Bitte schreiben Sie an {mail}, wenn der Lieferschein nicht zur Bestellung paßt.",
        "Wegen des Sturms wurden {count} Paletten in die überdachte Halle gebracht.",
    ),
}


def mark(seed: int, number: int) -> str:
    """Return a pronounceable word for (*seed*, *number*); two pairs never share one in practice."""
    digest = hashlib.sha256(f"{seed}/{number}".encode()).digest()
    return "".join(
        _CONSONANTS[digest[2 * i] % len(_CONSONANTS)] + _VOWELS[digest[2 * i + 1] % len(_VOWELS)]
        for i in range(_MARK_SYLLABLES)
    )


def sentences(seed: int, count: int, *, language: str = "en") -> list[str]:
    """Return *count* sentences of *language* (`en` or `de`), decided by *seed* alone."""
    dice = random.Random(seed)  # noqa: S311 - repeatable prose, no secret
    return [_fill(dice.choice(_TEMPLATES[language]), dice) for _ in range(count)]


def paragraph(seed: int, *, language: str = "en", mentioning: str | None = None) -> str:
    """Return five sentences, the word *mentioning* among them."""
    parts = sentences(seed, 5, language=language)
    if mentioning is not None:
        parts.insert(2, f"{'Kennwort' if language == 'de' else 'Reference'}: {mentioning}.")
    return " ".join(parts)


def _fill(template: str, dice: random.Random) -> str:
    person = dice.choice(_PEOPLE)
    return template.format(
        person=person,
        company=dice.choice(_COMPANIES),
        place=dice.choice(_PLACES),
        goods=dice.choice(_GOODS),
        count=dice.randint(2, 900),
        amount=dice.randint(100, 99_999),
        date=f"{dice.randint(2020, 2026)}-{dice.randint(1, 12):02}-{dice.randint(1, 28):02}",
        mail=f"{person.split()[0].lower()}@example.com",
    )
