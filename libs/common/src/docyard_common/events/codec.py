"""CloudEvents 1.0, Kafka binary mode: attributes are `ce_*` headers, the value is the JSON data.

Source: CloudEvents Kafka protocol binding 1.0.2, section 3.2.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from pydantic import ValidationError

from docyard_common.errors import UndecodableRecordError
from docyard_common.events import documents, observation, work
from docyard_common.events.envelope import Event
from docyard_common.ids import uuid7

Headers = Sequence[tuple[str, bytes | None]]
"""Kafka headers as they are: names may repeat, values are bytes or null."""

REGISTRY: Final[dict[str, type[Event]]] = {
    event.type: event
    for event in (
        documents.DocumentAccepted,
        documents.ReprocessingAccepted,
        documents.ChildrenAccepted,
        documents.StageStarted,
        documents.StageFinished,
        documents.StageRetrying,
        documents.DocumentProgressed,
        documents.DocumentCompleted,
        documents.DocumentFailed,
        documents.DocumentCancelled,
        documents.DocumentDeleted,
        observation.ProcessingObserved,
        work.StageRequested,
        work.ChildrenFound,
        work.CancelRequested,
        work.ReprocessRequested,
        work.RemovalRequested,
        work.StageResumeRequested,
        work.StageSlotsRequested,
        work.BreakerResetRequested,
    )
}
"""Every type that can be on the wire; old ones stay for ever."""


@dataclass(frozen=True)
class Record:
    """A Kafka record to publish: topic without prefix, and the bytes as they will lie there."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = field(default_factory=tuple)


def encode(event: Event, *, topic: str, source: str, event_id: UUID | None = None) -> Record:
    """Write *event* as a CloudEvent from *source*; a new `ce_id` unless one is given."""
    attributes = {
        "ce_specversion": "1.0",
        "ce_id": str(event_id or uuid7()),
        "ce_type": event.type,
        "ce_source": f"/docyard/{source}",
        "ce_subject": event.key,
        "ce_time": datetime.now(UTC).isoformat(),
        "content-type": "application/json",
    }
    return Record(
        topic=topic,
        key=event.key.encode(),
        value=event.model_dump_json().encode(),
        headers=tuple((name, text.encode()) for name, text in attributes.items()),
    )


def decode(value: bytes | None, headers: Iterable[tuple[str, bytes | None]]) -> Event:
    """Read the event of a record.

    Raises UndecodableRecordError for a missing or unknown `ce_type`, a header that is not UTF-8,
    or a value that is not that type's JSON.
    """
    event_type = REGISTRY.get(header(headers, "ce_type") or "")
    if event_type is None:
        raise UndecodableRecordError("the header ce_type is missing or names no known event")
    try:
        return event_type.model_validate_json(value or b"")
    except ValidationError as error:
        raise UndecodableRecordError(f"the value is no {event_type.type}: {error}") from error


def header(headers: Iterable[tuple[str, bytes | None]], name: str) -> str | None:
    """Return the last header called *name* as text, or None.

    Raises UndecodableRecordError when its bytes are not UTF-8.
    """
    values = [raw for found, raw in headers if found == name and raw is not None]
    if not values:
        return None
    try:
        return values[-1].decode()
    except UnicodeDecodeError as error:
        raise UndecodableRecordError(f"the header {name} is not UTF-8") from error
