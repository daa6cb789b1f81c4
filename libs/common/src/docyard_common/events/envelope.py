"""What all events have in common: frozen, closed, named by a CloudEvents type."""

from typing import ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class Event(BaseModel):
    """A fact or command on Kafka: the JSON value of a CloudEvent in binary mode.

    Readers ignore fields they do not know, so that an older service reads a newer one's events.
    """

    # Ids and hashes come once: a cache of values would only fill up, in every process that reads.
    model_config = ConfigDict(frozen=True, extra="ignore", cache_strings="keys")

    type: ClassVar[str]
    """The CloudEvents `type`: past tense and versioned; never reused with another meaning."""

    @property
    def key(self) -> str:
        """The Kafka key and CloudEvents `subject`: events of one key keep their order."""
        raise NotImplementedError


class DocumentEvent(Event):
    """An event about one document, keyed by it."""

    document_id: UUID
    owner: str = Field(min_length=1)
    """The `sub` of the person the document belongs to: the only one who may see it."""
    generation: int = Field(ge=0)
    """1 for the first processing, one more for each reprocessing; 0 before any."""
    seq: int = Field(ge=0, lt=2**53)
    """Position in the document's life (`events.sequence`); whoever shows it keeps the highest."""

    @property
    def key(self) -> str:
        return str(self.document_id)
