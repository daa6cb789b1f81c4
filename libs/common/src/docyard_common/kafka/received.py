"""A record as it came from Kafka: bytes, never decoded on the way."""

from dataclasses import dataclass
from typing import Any

from aiokafka import ConsumerRecord


@dataclass(frozen=True, slots=True)
class ReceivedRecord:
    """One record: what its producer sent, and where it lies."""

    topic: str  # without the prefix
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]


def received(record: ConsumerRecord[Any, Any], prefix: str) -> ReceivedRecord:
    """Return *record* of aiokafka, its topic without *prefix*."""
    return ReceivedRecord(
        topic=record.topic.removeprefix(f"{prefix}."),
        partition=record.partition,
        offset=record.offset,
        timestamp_ms=record.timestamp,
        key=record.key,
        value=record.value,
        headers=tuple((name, value) for name, value in record.headers),
    )
