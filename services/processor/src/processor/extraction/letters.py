"""What a mail says, whichever format it came in: its head, its text, what is attached."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Any, Final

from processor.extraction.cleaning import clean, clean_metadata
from processor.extraction.document import Enclosed, Take
from processor.extraction.html import html_blocks
from processor.extraction.listing import Listing, in_pieces
from processor.extraction.paging import Block
from processor.extraction.text import BlockDocument

_MAX_HEAD_CHARACTERS: Final = 2_000
"""Of one line of the head: a list of ten thousand recipients is no text that anybody reads."""
_WORD: Final = re.compile(r"\w{2,}")
_NEW_WORDS: Final = 0.2
"""Share of words that only the HTML has, from which on it is no second telling of the same."""
_SPACE: Final = re.compile(r"\s+")


@dataclass(frozen=True)
class Text:
    """A part that is to be read, in plain text and, or, HTML: two tellings of the same."""

    plain: str | None = None
    html: str | None = None

    def blocks(self) -> Iterator[Block]:
        """Yield the plain telling, and the HTML where it says what the plain one does not."""
        plain = self.plain or ""
        shown = list(html_blocks(self.html)) if self.html else []
        yield from (Block(line) for line in plain.splitlines(keepends=True))
        told, more = _words(plain), _words("".join(block.text for block in shown))
        if len(more - told) > _NEW_WORDS * len(more):
            yield Block("\n")
            yield from shown


@dataclass(frozen=True)
class Attachment:
    """A file that came with a mail."""

    name: str
    media_type: str  # as declared
    data: bytes


@dataclass(frozen=True)
class Letter:
    """A mail that was read."""

    subject: str = ""
    sender: str = ""
    to: str = ""
    cc: str = ""
    bcc: str = ""
    date: str = ""  # RFC 3339 where it could be read, else as it was written
    more: dict[str, Any] = field(default_factory=dict)  # for the metadata only
    texts: Sequence[Text] = ()
    attachments: Sequence[Attachment] = ()

    def document(self, extractor: str) -> "LetterDocument":
        """Return the letter as a document that is read page by page."""
        return LetterDocument(extractor, self.blocks, self.facts(), letter=self)

    def enclosed(self) -> Iterator[Enclosed]:
        """Yield what is attached; it is in memory already."""
        for position, attached in enumerate(self.attachments, start=1):
            size = len(attached.data)
            yield Enclosed(position, attached.name, partial(in_pieces, attached.data), size)

    def _head(self) -> Iterator[tuple[str, str]]:
        for name, value in (
            ("Subject", self.subject),
            ("From", self.sender),
            ("To", self.to),
            ("Cc", self.cc),
            ("Bcc", self.bcc),
            ("Date", self.date),
        ):
            if value:
                yield name, value[:_MAX_HEAD_CHARACTERS]

    def facts(self) -> dict[str, Any]:
        facts = {name.lower(): value for name, value in self._head()} | self.more
        facts["attachments"] = [attached.name for attached in self.attachments] or None
        return clean_metadata(facts)

    def blocks(self) -> Iterator[Block]:
        heading = self.subject[:200] or None
        for number, (name, value) in enumerate(self._head()):
            yield Block(f"{name}: {value}\n", heading=None if number else heading)
        for text in self.texts:
            yield from chain([Block("\n")], text.blocks(), [Block("\n")])


@dataclass
class LetterDocument(BlockDocument):
    """A letter, with what is attached to it."""

    letter: Letter = field(default_factory=Letter)

    def unfold(self, take: Take) -> None:
        listing = Listing("Attachments")
        for enclosed in self.letter.enclosed():
            listing.add(take(enclosed))
        if self.letter.attachments:
            self.facts |= listing.facts()
            self.blocks = lambda: chain(self.letter.blocks(), [Block("\n")], listing.blocks())


def one_line(value: str) -> str:
    """Return *value* without line ends and what else can not be shown on one line."""
    return _SPACE.sub(" ", clean(value)).strip()


def joined(values: Iterable[str | None]) -> str:
    return ", ".join(one_line(value) for value in values if value)


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.casefold()))
