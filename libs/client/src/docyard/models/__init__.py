"""Typed answers of Docyard."""

from docyard.models.dead_letters import DeadLetter, DeadLetterGroup, Replay
from docyard.models.documents import (
    TERMINAL_STATES,
    Accepted,
    Document,
    DocumentFact,
    DocumentMetadata,
    DocumentPage,
    Entity,
    Failure,
    Highlight,
    Hit,
    Keyword,
    Listing,
    Model,
    Progress,
    SearchResult,
    Word,
)

__all__ = [
    "TERMINAL_STATES",
    "Accepted",
    "DeadLetter",
    "DeadLetterGroup",
    "Document",
    "DocumentFact",
    "DocumentMetadata",
    "DocumentPage",
    "Entity",
    "Failure",
    "Highlight",
    "Hit",
    "Keyword",
    "Listing",
    "Model",
    "Progress",
    "Replay",
    "SearchResult",
    "Word",
]
