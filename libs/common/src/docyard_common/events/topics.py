"""The one declared list of topics: services create and verify it, charts render it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from docyard_common.events.stages import Priority, Stage

_HOUR_MS: Final = 3_600_000
_DAY_MS: Final = 24 * _HOUR_MS
_MIB: Final = 1024 * 1024


@dataclass(frozen=True)
class Topic:
    """A topic as it must be: name without prefix, retention, and the largest record it takes."""

    name: str
    retention_ms: int
    max_message_bytes: int = _MIB

    @property
    def configs(self) -> dict[str, str]:
        """Kafka's own topic settings, as strings."""
        return {
            "cleanup.policy": "delete",
            "retention.ms": str(self.retention_ms),
            "max.message.bytes": str(self.max_message_bytes),
        }


EVENTS: Final = "documents.events"
PROGRESS: Final = "documents.progress"
CHILDREN: Final = "documents.children"
COMMANDS: Final = "commands"
OBSERVATIONS: Final = "processing.observations"
NOTIFICATIONS: Final = "notifications"
STORAGE_EVENTS: Final = "storage.events"


def work(stage: Stage, priority: Priority) -> str:
    """Name of the topic that asks for *stage* in the lane of *priority*."""
    return f"work.{stage}.{priority}"


def dead_letters(stage: Stage) -> str:
    """Name of the topic for what *stage* could not process."""
    return f"dlq.{stage}"


def declared() -> Iterator[Topic]:
    """Every topic of Docyard; retention as in the table of `docs/architecture/`."""
    for stage in Stage:
        for priority in Priority:
            yield Topic(work(stage, priority), 7 * _DAY_MS)
        # A dead letter is the record as it came plus our headers: it must always fit.
        yield Topic(dead_letters(stage), 30 * _DAY_MS, max_message_bytes=2 * _MIB)
    yield Topic(EVENTS, 7 * _DAY_MS)
    yield Topic(PROGRESS, _HOUR_MS)
    yield Topic(CHILDREN, 7 * _DAY_MS)
    yield Topic(COMMANDS, _DAY_MS)
    yield Topic(OBSERVATIONS, _HOUR_MS)
    yield Topic(NOTIFICATIONS, _DAY_MS)
    yield Topic(STORAGE_EVENTS, _DAY_MS)
