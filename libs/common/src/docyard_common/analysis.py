"""What analyze finds out about a document: one artifact, for its writer and its readers."""

from enum import StrEnum
from typing import Literal
from uuid import UUID, uuid5

from pydantic import Field

from docyard_common.artifacts import Artifact

_ENTITIES = UUID("6f1b2f0e-6d6b-5c58-9a55-0f2f4b9f6c11")


class DocumentType(StrEnum):
    """What kind of paper a document is, whatever format it came in."""

    INVOICE = "invoice"
    CONTRACT = "contract"
    LETTER = "letter"
    REPORT = "report"
    EMAIL = "email"
    ARTICLE = "article"
    SOURCE_CODE = "source_code"
    TABLE = "table"
    PRESENTATION = "presentation"
    FORM = "form"
    CV = "cv"
    MANUAL = "manual"
    MINUTES = "minutes"
    DATA = "data"


class Classification(Artifact):
    """The type of a document, and what speaks for it."""

    document_type: DocumentType
    confidence: float = Field(ge=0, le=1)
    rules: tuple[str, ...]  # names of those that fired, the strongest first


class Mention(Artifact):
    """Where a text names something; offsets count code points of the page's text."""

    page: int = Field(ge=1)
    start: int = Field(ge=0)
    end: int = Field(ge=0)


class Entity(Artifact):
    """Something named in the text, with every page that names it."""

    kind: str  # person, organisation, place, date, amount, email, url, phone, identifier
    text: str  # in the spelling that is used most
    count: int = Field(ge=1)
    pages: tuple[int, ...]
    key: str = ""  # the same for all spellings; empty where an older pipeline made it
    mentions: tuple[Mention, ...] = ()  # the first ones


class EntityName(Artifact):
    """One end of a relation: an entity of the same analysis."""

    kind: str
    text: str
    key: str


class Evidence(Artifact):
    """A place that names both ends of a relation, from the first name to the end of the last."""

    page: int = Field(ge=1)
    start: int = Field(ge=0)  # code points of the page's text
    end: int = Field(ge=0)
    snippet: str  # of the place and what stands around it, as one line


class Relation(Artifact):
    """Two entities that are named together; which of them is *source* says nothing.

    *weight* is the share of windows that name both among those that name either (Dice), halved
    where only pages are shared.
    """

    source: EntityName
    target: EntityName
    window: Literal["sentence", "page"]  # the closest one that they share
    count: int = Field(ge=1)  # of such windows
    weight: float = Field(ge=0, le=1)
    evidence: tuple[Evidence, ...]  # the first ones


class Keyword(Artifact):
    """A word or phrase the document is about; a higher score says more."""

    text: str
    score: float = Field(ge=0, le=1)


class NotEnriched(StrEnum):
    """Why an analysis is by the plain methods alone, though a model is configured."""

    MODEL_AWAY = "model_away"
    ANSWER_INVALID = "answer_invalid"
    DOCUMENT_BUDGET = "document_budget"
    DAY_BUDGET = "day_budget"
    NO_TEXT = "no_text"


class Enrichment(Artifact):
    """What a language model had to do with an analysis."""

    model: str
    used: bool
    reason: NotEnriched | None = None  # where it was not used
    tokens: int = Field(default=0, ge=0)  # that the answer did cost


class Analysis(Artifact):
    """The result of analyze: one object, which is its own manifest."""

    language: str | None  # ISO 639-1; None where there is too little text to tell
    language_confidence: float = Field(ge=0, le=1)
    keywords: tuple[Keyword, ...] = ()
    summary: str = ""
    summary_pages: tuple[int, ...] = ()
    entities: tuple[Entity, ...] = ()
    relations: tuple[Relation, ...] = ()
    classification: Classification | None = None  # None where no rule speaks for any type
    enrichment: Enrichment | None = None  # None where no model is configured


def entity_id(owner: str, kind: str, key: str) -> UUID:
    """Return the id of an entity among all that *owner*'s documents name: the same everywhere."""
    return uuid5(_ENTITIES, f"{len(owner)}:{owner}{kind}:{key}")


def relation_id(one: UUID, other: UUID) -> UUID:
    """Return the id of the relation between two entities, in whichever order."""
    first, second = sorted((one, other))
    return uuid5(first, second.hex)
