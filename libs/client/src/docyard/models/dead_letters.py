"""What Docyard says about dead letters: groups, entries, and replays of them."""

from datetime import datetime
from typing import Any

from pydantic import Field

from docyard.models.documents import Model


class DeadLetterGroup(Model):
    """Dead letters that died of the same thing."""

    fingerprint: str
    stage: str | None = None
    reason: str
    count: int
    first_seen: datetime | None = None
    last_seen: datetime | None = None


class Attempt(Model):
    """One attempt that failed: put off (`retry`), or the last one (`dead_letter`)."""

    kind: str
    attempt: int
    reason: str
    message: str = ""
    at: datetime


class Lineage(Model):
    """A replay that took a dead letter, and what came of it."""

    replay_id: str
    outcome: str  # waiting, moved, skipped or failed
    result: str | None = None  # resolved or failed_again; None while it is not known
    actor: str = ""
    reason: str = ""


class DeadLetter(Model):
    """A record that could not be processed, with its reason and history."""

    id: str
    state: str  # open, replaying, replayed, resolved, parked, discarded, expired
    reason: str
    stage: str | None = None
    document_id: str | None = None
    owner: str | None = None
    fingerprint: str | None = None
    error: dict[str, Any] | None = None  # class, message, and for operators the stack
    attempt: int = 1
    count: int = 1  # deaths of this document in this stage
    replay_count: int = 0
    first_failed_at: datetime | None = None
    last_failed_at: datetime | None = None
    attempts: tuple[Attempt, ...] = ()  # only where one dead letter is asked for
    replays: tuple[Lineage, ...] = ()  # only where one dead letter is asked for


class Replay(Model):
    """A replay runs on the server and survives restarts; *matched* is its fixed scope."""

    id: str
    status: str  # pending, running, paused, completed, failed, cancelled
    matched: int = 0
    moved: int = 0
    failed: int = 0
    skipped: dict[str, int] = Field(default_factory=dict)
    rate_per_s: float | None = None
    reason: str | None = None
    actor: str | None = None
    dry_run: bool = False
    preview: dict[str, Any] | None = None  # of a dry run
    created_at: datetime | None = None
    eta_s: float | None = None

    @property
    def is_terminal(self) -> bool:
        return self.status in {"completed", "failed", "cancelled"}
