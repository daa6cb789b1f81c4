"""Dead letters that others wrote: Spring Kafka, Kafka Connect, Kafka Streams and share groups.

Sources: Spring `KafkaHeaders.DLT_*` (numbers big-endian), Connect's context headers
(`errors.deadletterqueue.context.headers.enable`), KIP-1034 and KIP-1191 (numbers as text).
"""

from dataclasses import dataclass
from typing import Final

from docyard_common.delivery.headers import Cause, DeathNote, Origin, death_of, text_of
from docyard_common.events.codec import Headers


@dataclass(frozen=True)
class _Dialect:
    """How one writer of dead letters names what it says; the first name found counts."""

    topic: str
    partition: str
    offset: str
    timestamp: str = ""
    group: str = ""
    attempt: str = ""
    class_names: tuple[str, ...] = ()
    message: str = ""
    stack: str = ""


_DIALECTS: Final = (
    _Dialect(
        topic="kafka_dlt-original-topic",
        partition="kafka_dlt-original-partition",
        offset="kafka_dlt-original-offset",
        timestamp="kafka_dlt-original-timestamp",
        group="kafka_dlt-original-consumer-group",
        # The outer class is always Spring's own wrapper; the cause tells failures apart.
        class_names=("kafka_dlt-exception-cause-fqcn", "kafka_dlt-exception-fqcn"),
        message="kafka_dlt-exception-message",
        stack="kafka_dlt-exception-stacktrace",
    ),
    _Dialect(
        topic="__connect.errors.topic",
        partition="__connect.errors.partition",
        offset="__connect.errors.offset",
        group="__connect.errors.connector.name",
        class_names=("__connect.errors.exception.class.name",),
        message="__connect.errors.exception.message",
        stack="__connect.errors.exception.stacktrace",
    ),
    _Dialect(
        topic="__streams.errors.topic",
        partition="__streams.errors.partition",
        offset="__streams.errors.offset",
        class_names=("__streams.errors.exception",),
        message="__streams.errors.message",
        stack="__streams.errors.stacktrace",
    ),
    _Dialect(
        topic="__dlq.errors.topic",
        partition="__dlq.errors.partition",
        offset="__dlq.errors.offset",
        group="__dlq.errors.group",
        attempt="__dlq.errors.delivery.count",
        message="__dlq.errors.message",
    ),
)
_BINARY_INTEGER_BYTES: Final = (2, 4, 8)


def any_death_of(headers: Headers) -> DeathNote:
    """Read why a record died in whichever dialect it says so; ours first. Never raises."""
    note = death_of(headers)
    if note.origin is not None or note.reason is not None:
        return note
    for dialect in _DIALECTS:
        if text_of(headers, dialect.topic) is not None:
            return _read(headers, dialect)
    return note


def _read(headers: Headers, dialect: _Dialect) -> DeathNote:
    class_names = (text_of(headers, name) for name in dialect.class_names)
    return DeathNote(
        attempt=_integer(headers, dialect.attempt),
        origin=_origin(headers, dialect),
        cause=Cause(
            class_name=next((name for name in class_names if name), ""),
            message=text_of(headers, dialect.message) or "",
            stack=text_of(headers, dialect.stack) or "",
        ),
    )


def _origin(headers: Headers, dialect: _Dialect) -> Origin | None:
    topic = text_of(headers, dialect.topic)
    partition = _integer(headers, dialect.partition)
    offset = _integer(headers, dialect.offset)
    if topic is None or partition is None or offset is None:
        return None
    timestamp_ms = _integer(headers, dialect.timestamp)
    return Origin(topic, partition, offset, timestamp_ms, text_of(headers, dialect.group))


def _integer(headers: Headers, name: str) -> int | None:
    """Return a number written as ASCII digits, or as 2, 4 or 8 bytes big-endian."""
    values = [raw for found, raw in headers if found == name and raw is not None]
    if not values:
        return None
    raw = values[-1]
    if raw.isdigit():
        return int(raw[:18])
    if len(raw) not in _BINARY_INTEGER_BYTES:
        return None
    number = int.from_bytes(raw, "big", signed=True)
    return number if number >= 0 else None
