"""What was read, found and indexed, as clients read it."""

from typing import Any, Literal
from uuid import UUID

from docyard_common.analysis import Classification, Enrichment, Relation
from docyard_common.artifacts import Word
from ingest.api.models import Answer


class PageOut(Answer):
    """One finished page."""

    number: int
    text: str
    width: float | None
    height: float | None
    rotation: int
    heading: str | None
    rows: list[list[str]] | None
    words: list[Word] | None


class PageList(Answer):
    """Pages in their order; while extract runs, the last cursor waits for what comes next."""

    items: list[PageOut]
    next_cursor: str | None


class KeywordOut(Answer):
    """What a document is about; a higher score says more."""

    text: str
    score: float


class MetadataOut(Answer):
    """What was given, what was read and what was found; null where a stage has not ended."""

    document_id: UUID
    filename: str
    content_type: str
    size_bytes: int
    sha256: str
    metadata: dict[str, Any]  # as it was uploaded
    media_type: str | None = None
    page_count: int | None = None
    characters: int | None = None
    extractor: str | None = None
    extracted: dict[str, Any] | None = None  # title, author, EXIF, columns …
    failed_pages: list[int] | None = None
    language: str | None = None
    keywords: list[KeywordOut] | None = None
    summary: str | None = None
    classification: Classification | None = None
    enrichment: Enrichment | None = None  # what a language model had to do with it


class RelationList(Answer):
    """Pairs that the text names together, the strongest first."""

    items: list[Relation]
    next_cursor: str | None


class ChunkOut(Answer):
    """A passage that searches answer with."""

    ordinal: int  # from 0, in reading order
    text: str
    page_first: int
    page_last: int
    start: int | None  # characters of page_first before it; null where an older pipeline made it
    end: int | None  # characters of page_last up to its end
    heading: str | None


class ChunkList(Answer):
    """Passages in reading order."""

    items: list[ChunkOut]
    next_cursor: str | None


class Highlight(Answer):
    """A part of a snippet, as offsets in characters."""

    start: int
    end: int


class SearchHit(Answer):
    """A passage that answers the query."""

    document_id: UUID
    filename: str
    page_first: int
    page_last: int
    score: float
    snippet: str
    highlights: list[Highlight]


class SearchResults(Answer):
    """The best passages first; `limit` bounds them, and no page follows: `next_cursor` is null."""

    query: str
    mode: Literal["hybrid", "text", "semantic"]
    items: list[SearchHit]
    next_cursor: str | None = None
