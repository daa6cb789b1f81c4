"""What Docyard says about documents. Fields of newer servers are kept, never refused."""

from datetime import datetime
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

_Item = TypeVar("_Item")

TERMINAL_STATES = frozenset({"completed", "failed", "cancelled", "quarantined", "deleted"})
"""States after which nothing follows unless somebody asks."""


class Model(BaseModel):
    """Frozen; unknown fields are kept, so `to_json()` gives what the server said."""

    model_config = ConfigDict(frozen=True, extra="allow")

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON-ready objects."""
        return self.model_dump(mode="json")


class Listing(Model, Generic[_Item]):
    """Part of a list; *next_cursor* fetches the next part, None ends it."""

    items: tuple[_Item, ...]
    next_cursor: str | None = None


class Failure(Model):
    """Why a document failed."""

    code: str
    message: str = ""
    retryable: bool = False


class Progress(Model):
    """How far a document is. `seq` grows strictly per document; gaps are normal."""

    document_id: str
    seq: int = 0
    state: str
    stage: str | None = None
    stage_index: int | None = None  # from 1
    stage_count: int | None = None
    progress: float = 0.0  # percent of the whole way
    pages_done: int | None = None
    pages_total: int | None = None
    message: str | None = None
    eta_s: float | None = None  # of the running stage
    attempt: int | None = None
    error: Failure | None = None

    @property
    def is_terminal(self) -> bool:
        """Whether the document has ended."""
        return self.state in TERMINAL_STATES


class Accepted(Model):
    """The answer to an upload: the bytes are safe and the document has its id."""

    document_id: str
    job_id: str
    status: str = "accepted"
    duplicate: bool = False  # a document of this content was there already and stands for it
    sha256: str | None = None  # of what this client has read
    via: str | None = None  # the way that this client has sent it
    links: dict[str, str] = Field(default_factory=dict)


class Document(Progress):
    """A document as its owner sees it."""

    filename: str
    content_type: str | None = None
    size_bytes: int = 0
    sha256: str | None = None
    priority: str = "normal"
    created_at: datetime
    updated_at: datetime | None = None
    completed_at: datetime | None = None
    document_type: str | None = None  # invoice, contract …
    parent_id: str | None = None  # the document it was found in
    children_count: int = 0  # documents that were found inside, directly
    metadata: dict[str, Any] = Field(default_factory=dict)
    links: dict[str, str] = Field(default_factory=dict)


class Word(Model):
    """A word and the rectangle it fills, in the units of its page, from the top left corner."""

    text: str
    left: float
    top: float
    right: float
    bottom: float
    confidence: float | None = None  # 0 to 1; None where the text was written, not recognised


class DocumentPage(Model):
    """One page of a document's text; readable as soon as it is extracted."""

    number: int
    text: str = ""
    heading: str | None = None
    rows: list[list[str]] | None = None  # cells, where the page is part of a table
    words: list[Word] | None = None  # with positions, where they were asked for


class DocumentFact(Model):
    """One entry of a document's history."""

    type: str
    seq: int
    at: datetime
    data: dict[str, Any] = Field(default_factory=dict)


class Keyword(Model):
    """What a document is about; a higher score says more."""

    text: str
    score: float


class Classification(Model):
    """What kind of paper a document is, and the rules that say so."""

    document_type: str
    confidence: float
    rules: tuple[str, ...] = ()


class DocumentMetadata(Model):
    """What was given, read and found; None where a stage has not ended."""

    document_id: str
    filename: str
    metadata: dict[str, Any] = Field(default_factory=dict)  # as it was uploaded
    media_type: str | None = None  # by content
    page_count: int | None = None
    extracted: dict[str, Any] | None = None  # title, author, EXIF, columns …
    failed_pages: tuple[int, ...] | None = None
    language: str | None = None
    keywords: tuple[Keyword, ...] | None = None
    summary: str | None = None
    classification: Classification | None = None


class Mention(Model):
    """Where a text names something, as characters of the page's text."""

    page: int
    start: int
    end: int


class Entity(Model):
    """Something that the text names, with every page that names it."""

    kind: str
    text: str
    count: int
    pages: tuple[int, ...]
    mentions: tuple[Mention, ...] = ()  # the first ones


class EntityName(Model):
    """One end of a relation."""

    kind: str
    text: str


class Evidence(Mention):
    """A place that names both ends of a relation."""

    snippet: str = ""


class Relation(Model):
    """Two things that a text names together, in a sentence or on a page."""

    source: EntityName
    target: EntityName
    window: str
    count: int
    weight: float
    evidence: tuple[Evidence, ...] = ()


class Highlight(Model):
    """A part of a snippet, as offsets in characters."""

    start: int
    end: int


class Hit(Model):
    """A passage that answers a search; *highlights* are parts of its plain *snippet*."""

    document_id: str
    filename: str = ""
    page_first: int
    page_last: int
    score: float = 0.0
    snippet: str = ""
    highlights: tuple[Highlight, ...] = ()


class SearchResult(Model):
    """The best passages, best first; no part follows, so *next_cursor* is None."""

    items: tuple[Hit, ...]
    next_cursor: str | None = None
