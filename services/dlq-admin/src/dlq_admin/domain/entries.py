"""The life of an entry: open → replaying → replayed → resolved, or open again, parked, settled."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID


class EntryState(StrEnum):
    """Replayed is not resolved: only a later success of the document and stage resolves."""

    OPEN = "open"
    REPLAYING = "replaying"  # held by a replay that has not sent it yet
    REPLAYED = "replayed"  # sent; what comes of it is not known
    RESOLVED = "resolved"
    PARKED = "parked"  # failed again after its last replay: groups pass it by
    DISCARDED = "discarded"
    EXPIRED = "expired"


UNRESOLVED: Final = (
    EntryState.OPEN,
    EntryState.REPLAYING,
    EntryState.REPLAYED,
    EntryState.PARKED,
)
DISCARDABLE: Final = (
    EntryState.OPEN,
    EntryState.PARKED,
    EntryState.REPLAYED,
    EntryState.EXPIRED,
)
RESTORABLE: Final = (EntryState.DISCARDED, EntryState.PARKED)
SETTLED: Final = (EntryState.RESOLVED, EntryState.DISCARDED, EntryState.EXPIRED)

SKIPPED_BECAUSE: Final = {
    EntryState.REPLAYING: "running",
    EntryState.REPLAYED: "already_replayed",
    EntryState.RESOLVED: "resolved",
    EntryState.PARKED: "parked",
    EntryState.DISCARDED: "discarded",
    EntryState.EXPIRED: "expired",
}
"""Why a replay passes an entry by, as clients read it in `skipped`."""


@dataclass(frozen=True)
class EntryFilter:
    """Which entries are meant; what is None or empty does not narrow. Times are aware."""

    stage: str | None = None
    reason: str | None = None
    states: Sequence[EntryState] = ()
    since: datetime | None = None  # of the last failure, inclusive
    until: datetime | None = None  # of the last failure, inclusive
    document_id: UUID | None = None
    owner: str | None = None
    text: str | None = None  # in the error's class and message
    fingerprint: str | None = None

    def described(self) -> dict[str, Any]:
        """Return what narrows it, as JSON types."""
        given = {name: value for name, value in vars(self).items() if value}
        return {
            name: list(value) if isinstance(value, tuple) else str(value)
            for name, value in given.items()
        }


def after_failure(*, replay_count: int, max_replays: int, finished: bool) -> EntryState:
    """Return the state of an entry whose document and stage has died (again).

    *finished*: a success of a later run is known already, so the death is told late.
    """
    if finished:
        return EntryState.RESOLVED
    return EntryState.PARKED if replay_count >= max_replays else EntryState.OPEN
