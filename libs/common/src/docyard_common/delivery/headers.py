"""The `docyard-*` headers: what a dead letter and a replay carry beside the record as it came.

A dead letter is the original key, value and headers byte for byte, and these after them. Reading
never fails: whatever a dead letter says, somebody must be able to look at it.
"""

import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from docyard_common.delivery.fingerprint import fingerprint
from docyard_common.errors import FailureReason
from docyard_common.events.codec import Headers
from docyard_common.events.stages import Stage

ATTEMPT: Final = "docyard-attempt"
ORIGIN_TOPIC: Final = "docyard-origin-topic"
ORIGIN_PARTITION: Final = "docyard-origin-partition"
ORIGIN_OFFSET: Final = "docyard-origin-offset"
ORIGIN_TIMESTAMP: Final = "docyard-origin-timestamp"
ORIGIN_GROUP: Final = "docyard-origin-group"
DLQ_STAGE: Final = "docyard-dlq-stage"
DLQ_REASON: Final = "docyard-dlq-reason"
DLQ_ERROR_CLASS: Final = "docyard-dlq-error-class"
DLQ_ERROR_MESSAGE: Final = "docyard-dlq-error-message"
DLQ_ERROR_STACK: Final = "docyard-dlq-error-stack"
DLQ_FIRST_FAILED_AT: Final = "docyard-dlq-first-failed-at"
DLQ_FAILED_AT: Final = "docyard-dlq-failed-at"
DLQ_FINGERPRINT: Final = "docyard-dlq-fingerprint"
DLQ_SERVICE_VERSION: Final = "docyard-dlq-service-version"
DLQ_ATTEMPTS: Final = "docyard-dlq-attempts"
"""The retry ladder as JSON: each attempt with its mode, its reason and what it used."""
PACKED_BYTES: Final = "docyard-dlq-packed-bytes"
"""How large the record is of which the value holds all, packed; see `delivery.oversize`."""
PACKED_HEAD: Final = "docyard-dlq-packed-head"
"""The first bytes of its value."""
REPLAY_ID: Final = "docyard-replay-id"
REPLAY_COUNT: Final = "docyard-replay-count"
REPLAY_EDITED_FROM: Final = "docyard-replay-edited-from"
"""The `ce_id` of the record that an edited copy was made from."""

BURIAL: Final = frozenset(
    {
        ATTEMPT,
        ORIGIN_TOPIC,
        ORIGIN_PARTITION,
        ORIGIN_OFFSET,
        ORIGIN_TIMESTAMP,
        ORIGIN_GROUP,
        DLQ_STAGE,
        DLQ_REASON,
        DLQ_ERROR_CLASS,
        DLQ_ERROR_MESSAGE,
        DLQ_ERROR_STACK,
        DLQ_FIRST_FAILED_AT,
        DLQ_FAILED_AT,
        DLQ_FINGERPRINT,
        DLQ_SERVICE_VERSION,
        DLQ_ATTEMPTS,
        PACKED_BYTES,
        PACKED_HEAD,
    }
)
REPLAY: Final = frozenset({REPLAY_ID, REPLAY_COUNT, REPLAY_EDITED_FROM})

MAX_TEXT_BYTES: Final = 16 * 1024
"""Longest error message and stack: the end of a stack is kept, the start of a message."""

_MAX_DIGITS: Final = 18
"""Numbers up to here fit PostgreSQL's bigint."""


@dataclass(frozen=True)
class Origin:
    """Where the record was read: topic without prefix."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int | None = None
    group: str | None = None


@dataclass(frozen=True)
class Cause:
    """The error as people see it; routing goes by reason and class, never by message."""

    class_name: str = ""
    message: str = ""
    stack: str = ""

    @classmethod
    def of(cls, error: BaseException) -> "Cause":
        return cls(
            class_name=f"{type(error).__module__}.{type(error).__qualname__}",
            message=str(error),
            stack="".join(traceback.format_exception(error)),
        )


@dataclass(frozen=True)
class Death:
    """Why a record becomes a dead letter; times are aware."""

    stage: Stage
    reason: FailureReason
    attempt: int
    origin: Origin
    cause: Cause
    first_failed_at: datetime
    failed_at: datetime
    service_version: str
    attempts: str | None = None  # JSON; cut by whoever makes it


@dataclass(frozen=True)
class DeathNote:
    """What a dead letter says of its death; None where it says nothing that can be read."""

    stage: str | None = None
    reason: str | None = None
    attempt: int | None = None
    origin: Origin | None = None
    cause: Cause = Cause()
    first_failed_at: datetime | None = None
    failed_at: datetime | None = None
    fingerprint: str | None = None
    service_version: str | None = None


@dataclass(frozen=True)
class Replay:
    """A record's return from the dead; one *replay_id* sets the same work going once."""

    replay_id: UUID
    count: int
    edited_from: str | None = None


def buried(headers: Headers, death: Death) -> Headers:
    """Return the headers of the dead letter: *headers* as they came, then ours.

    What an earlier burial wrote is replaced; what a replay wrote stays, so that a record that
    dies again can be led back to its replay.
    """
    written = _written(death)
    return (*_without(headers, BURIAL), *((name, text.encode()) for name, text in written.items()))


def original(headers: Headers) -> Headers:
    """Return the headers as they came, before any burial or replay."""
    return _without(headers, BURIAL | REPLAY)


def replayed(headers: Headers, replay: Replay) -> Headers:
    """Return the headers for sending a dead letter back to work."""
    added = [
        (REPLAY_ID, str(replay.replay_id).encode()),
        (REPLAY_COUNT, str(replay.count).encode()),
    ]
    if replay.edited_from is not None:
        added.append((REPLAY_EDITED_FROM, replay.edited_from.encode()))
    return (*original(headers), *added)


def replay_of(headers: Headers) -> Replay | None:
    """Return the replay a record belongs to; None where it has none that can be read."""
    try:
        replay_id = UUID(text_of(headers, REPLAY_ID) or "")
    except ValueError:
        return None
    count = integer_of(headers, REPLAY_COUNT)
    return Replay(replay_id, 1 if count is None else count, text_of(headers, REPLAY_EDITED_FROM))


def death_of(headers: Headers) -> DeathNote:
    """Read what `buried` wrote; fields that are missing or damaged are None."""
    return DeathNote(
        stage=text_of(headers, DLQ_STAGE),
        reason=text_of(headers, DLQ_REASON),
        attempt=integer_of(headers, ATTEMPT),
        origin=_origin_of(headers),
        cause=Cause(
            class_name=text_of(headers, DLQ_ERROR_CLASS) or "",
            message=text_of(headers, DLQ_ERROR_MESSAGE) or "",
            stack=text_of(headers, DLQ_ERROR_STACK) or "",
        ),
        first_failed_at=_time_of(headers, DLQ_FIRST_FAILED_AT),
        failed_at=_time_of(headers, DLQ_FAILED_AT),
        fingerprint=text_of(headers, DLQ_FINGERPRINT),
        service_version=text_of(headers, DLQ_SERVICE_VERSION),
    )


def text_of(headers: Headers, name: str) -> str | None:
    """Return the last header called *name*, bytes that are no UTF-8 replaced; None if missing."""
    values = [raw for found, raw in headers if found == name and raw is not None]
    return values[-1].decode(errors="replace") if values else None


def integer_of(headers: Headers, name: str) -> int | None:
    """Return the last header called *name* as a number below 10**18; None if it is none."""
    text = text_of(headers, name)
    digits = text is not None and text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS
    return int(text) if text is not None and digits else None


def _written(death: Death) -> dict[str, str]:
    cause = death.cause
    message = cause.message.encode(errors="replace")[:MAX_TEXT_BYTES].decode(errors="ignore")
    stack = cause.stack.encode(errors="replace")[-MAX_TEXT_BYTES:].decode(errors="ignore")
    return {
        ATTEMPT: str(death.attempt),
        **_written_origin(death.origin),
        DLQ_STAGE: death.stage.value,
        DLQ_REASON: death.reason.value,
        DLQ_ERROR_CLASS: cause.class_name,
        DLQ_ERROR_MESSAGE: message,
        DLQ_ERROR_STACK: stack,
        DLQ_FIRST_FAILED_AT: death.first_failed_at.astimezone(UTC).isoformat(),
        DLQ_FAILED_AT: death.failed_at.astimezone(UTC).isoformat(),
        DLQ_FINGERPRINT: fingerprint(
            stage=death.stage.value,
            reason=death.reason.value,
            class_name=cause.class_name,
            message=message,
            stack=stack,
        ),
        DLQ_SERVICE_VERSION: death.service_version,
        **({} if death.attempts is None else {DLQ_ATTEMPTS: death.attempts}),
    }


def _written_origin(origin: Origin) -> dict[str, str]:
    values = {
        ORIGIN_TOPIC: origin.topic,
        ORIGIN_PARTITION: origin.partition,
        ORIGIN_OFFSET: origin.offset,
        ORIGIN_TIMESTAMP: origin.timestamp_ms,
        ORIGIN_GROUP: origin.group,
    }
    return {name: str(value) for name, value in values.items() if value is not None}


def _origin_of(headers: Headers) -> Origin | None:
    topic = text_of(headers, ORIGIN_TOPIC)
    partition = integer_of(headers, ORIGIN_PARTITION)
    offset = integer_of(headers, ORIGIN_OFFSET)
    if topic is None or partition is None or offset is None:
        return None
    timestamp_ms = integer_of(headers, ORIGIN_TIMESTAMP)
    return Origin(topic, partition, offset, timestamp_ms, text_of(headers, ORIGIN_GROUP))


def _time_of(headers: Headers, name: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text_of(headers, name) or "")
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _without(headers: Iterable[tuple[str, bytes | None]], names: frozenset[str]) -> Headers:
    return tuple(header for header in headers if header[0] not in names)
