"""Reads a dead letter: who wrote it, whose document it is, what it died of. Never fails."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from docyard_common.delivery.fingerprint import fingerprint
from docyard_common.delivery.foreign import any_death_of
from docyard_common.delivery.headers import Cause, DeathNote, Origin, replay_of, text_of
from docyard_common.errors import FailureReason, UndecodableRecordError
from docyard_common.events.codec import Headers, decode
from docyard_common.events.envelope import DocumentEvent
from docyard_common.events.stages import Priority, Stage
from docyard_common.events.topics import work
from docyard_common.kafka.received import ReceivedRecord

_TRACEPARENT: Final = re.compile(r"^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-")
_LANE: Final = re.compile(r"(?:^|\.)work\.[a-z]+\.([a-z]+)$")
_MAX_INTEGER: Final = 2**31 - 1
_NAME_CHARACTERS: Final = 249
"""Longest topic name of Kafka; other names are cut to it, so that they fit an index."""
_TEXT_CHARACTERS: Final = 16 * 1024
_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
"""Times outside are damaged; inside, an expiry can be added without an overflow."""


@dataclass(frozen=True)
class DeadLetter:
    """A dead letter as the index keeps it; texts hold no NUL, which PostgreSQL has no room for."""

    record: ReceivedRecord
    occurrence: str  # equal for copies of one death, however often it was published
    stage: str
    reason: str
    attempt: int
    origin: Origin
    cause: Cause
    fingerprint: str
    first_failed_at: datetime
    failed_at: datetime
    service_version: str | None
    trace_id: str | None
    replay_id: UUID | None
    document_id: UUID | None
    owner: str | None
    generation: int
    seq: int

    @property
    def sort_key(self) -> tuple[bool, int]:
        """The order in which a transaction touches entries: the same everywhere."""
        return (self.document_id is not None, self.document_id.int if self.document_id else 0)


def read(record: ReceivedRecord) -> DeadLetter:
    """Read the dead letter that lies in *record*; what it does not say is filled in."""
    note = any_death_of(record.headers)
    event = _document_event(record)
    stage = _stage(note, record)
    reason = _name(note.reason or _reason(event))
    cause = Cause(_name(note.cause.class_name), _text(note.cause.message), _text(note.cause.stack))
    failed_at = _plausible(note.failed_at or _time(record.timestamp_ms))
    replay = replay_of(record.headers)
    return DeadLetter(
        record=record,
        occurrence=_occurrence(note, record),
        stage=stage,
        reason=reason,
        attempt=min(note.attempt or 1, _MAX_INTEGER),
        origin=_origin(note, record),
        cause=cause,
        fingerprint=_name(note.fingerprint or _fingerprint(stage, reason, cause)),
        first_failed_at=min(_plausible(note.first_failed_at or failed_at), failed_at),
        failed_at=failed_at,
        service_version=_name(note.service_version) if note.service_version else None,
        trace_id=trace_id_of(record.headers),
        replay_id=replay.replay_id if replay else None,
        document_id=event.document_id if event else None,
        owner=_clean(event.owner) if event else None,
        generation=event.generation if event else 0,
        seq=event.seq if event else 0,
    )


def target_topic(stage: str, origin_topic: str) -> str:
    """Return the topic that a replay sends to: *stage*, in the lane it came from.

    Raises ValueError when *stage* is none of ours.
    """
    lane = _LANE.search(origin_topic)
    named = lane is not None and lane.group(1) in set(Priority)
    return work(Stage(stage), Priority(lane.group(1)) if lane and named else Priority.NORMAL)


def trace_id_of(headers: Headers) -> str | None:
    """Return the trace id of the W3C `traceparent` header."""
    found = _TRACEPARENT.match(text_of(headers, "traceparent") or "")
    return found.group(1) if found else None


def _document_event(record: ReceivedRecord) -> DocumentEvent | None:
    try:
        event = decode(record.value, record.headers)
    except UndecodableRecordError:
        return None
    return event if isinstance(event, DocumentEvent) else None


def _reason(event: DocumentEvent | None) -> FailureReason:
    return FailureReason.UNFORESEEN_ERROR if event else FailureReason.UNDECODABLE_RECORD


def _stage(note: DeathNote, record: ReceivedRecord) -> str:
    """Return the stage: of the headers if it is one, else of the topic `dlq.<stage>`."""
    return note.stage if note.stage in set(Stage) else record.topic.rpartition(".")[2]


def _origin(note: DeathNote, record: ReceivedRecord) -> Origin:
    found = note.origin
    if found is None or found.partition > _MAX_INTEGER:
        return Origin(record.topic, record.partition, record.offset, record.timestamp_ms)
    group = _name(found.group) if found.group else None
    return Origin(_name(found.topic), found.partition, found.offset, found.timestamp_ms, group)


def _occurrence(note: DeathNote, record: ReceivedRecord) -> str:
    """Name one death: by origin and time, which copies share; else by where the record lies."""
    if note.origin is None or note.failed_at is None:
        return f"{record.topic}/{record.partition}/{record.offset}@{record.timestamp_ms}"
    origin = note.origin
    place = f"{_name(origin.topic)}/{origin.partition}/{origin.offset}"
    return f"{place}@{note.failed_at.isoformat()}"


def _fingerprint(stage: str, reason: str, cause: Cause) -> str:
    return fingerprint(
        stage=stage,
        reason=reason,
        class_name=cause.class_name,
        message=cause.message,
        stack=cause.stack,
    )


def _time(timestamp_ms: int) -> datetime:
    try:
        return datetime.fromtimestamp(timestamp_ms / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return _EARLIEST


def _plausible(at: datetime) -> datetime:
    return min(max(at, _EARLIEST), _LATEST)


def _name(text: str) -> str:
    return _clean(text)[:_NAME_CHARACTERS]


def _text(text: str) -> str:
    return _clean(text)[:_TEXT_CHARACTERS]


def _clean(text: str) -> str:
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")
