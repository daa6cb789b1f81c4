"""A replay: which entries go back to work, how fast, by whom and why."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from dlq_admin.domain.entries import EntryFilter, EntryState
from docyard_common.events.stages import Stage

MAX_ENTRIES: Final = 100_000
"""Most entries that one replay takes; the rest is for the next one."""

TARGET: Final = "origin"
"""Entries go back to the lane of the stage they came from."""


class ReplayStatus(StrEnum):
    """Where a replay stands; the last three are final."""

    PENDING = "pending"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self in {ReplayStatus.COMPLETED, ReplayStatus.FAILED, ReplayStatus.CANCELLED}


@dataclass(frozen=True)
class Selection:
    """What a replay is about: ids, or a filter (a group is a filter by fingerprint)."""

    described: Mapping[str, Any]  # as the client wrote it, JSON types only
    entry_ids: tuple[UUID, ...] = ()
    where: EntryFilter = field(default_factory=EntryFilter)

    @property
    def names_parked(self) -> bool:
        """Whether parked entries are asked for by name: a group alone passes them by."""
        return bool(self.entry_ids) or EntryState.PARKED in self.where.states


@dataclass(frozen=True)
class ReplayOrder:
    """An operator's order for a replay."""

    selection: Selection
    actor: str
    reason: str
    rate_per_s: float
    max_entries: int = MAX_ENTRIES
    dry_run: bool = False
    from_stage: Stage | None = None  # None: the stage that failed
    request_id: str | None = None
    idempotency_key: str | None = None

    @property
    def request_hash(self) -> str:
        """Equal for orders that ask for the same: tells a repeat from a key used twice."""
        asked = {
            "selection": self.selection.described,
            "reason": self.reason,
            "rate_per_s": self.rate_per_s,
            "max": self.max_entries,
            "dry_run": self.dry_run,
            "from_stage": self.from_stage,
        }
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Candidate:
    """An entry that a selection matches."""

    entry_id: UUID
    state: EntryState
    fingerprint: str
    stage: str
    reason: str


@dataclass(frozen=True)
class Lease:
    """The right of one runner to move a replay's entries, until *until*."""

    replay_id: UUID
    owner: str
    rate_per_s: float
    until: datetime
    actor: str = ""  # who ordered the replay
    from_stage: Stage | None = None
