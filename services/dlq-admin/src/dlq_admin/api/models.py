"""What the API takes and answers; the names are a contract with clients."""

from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from dlq_admin.domain.entries import EntryState
from dlq_admin.domain.replays import ReplayStatus
from docyard_common.events.stages import Stage

Item = TypeVar("Item")
Text = Annotated[str, Field(pattern=r"^[^\x00]*$", max_length=500)]
"""Text of a client: without NUL, which PostgreSQL has no room for."""
Reason = Annotated[str, Field(pattern=r"^[^\x00]*[^\s\x00][^\x00]*$", max_length=500)]
"""Why somebody does it; says something."""


class Answer(BaseModel):
    """An answer; fields may be added, never taken away."""

    model_config = ConfigDict(from_attributes=True)


class Page(Answer, Generic[Item]):
    """A part of a list; *next_cursor* gets the next one, null at the end."""

    items: list[Item]
    next_cursor: str | None = None


class ErrorView(Answer):
    """What the record died of; the stack is for operators."""

    class_: str = Field(serialization_alias="class")
    message: str
    stack: str | None = None


class OriginView(Answer):
    """Where the record was read."""

    topic: str
    partition: int
    offset: int
    group: str | None


class EntrySummary(Answer):
    """An entry as lists show it."""

    id: UUID
    state: EntryState
    reason: str
    stage: str
    document_id: UUID | None
    owner: str | None
    fingerprint: str
    error: ErrorView
    attempt: int
    count: int  # deaths of this document and stage
    replay_count: int
    replay_id: UUID | None
    replayed_at: datetime | None
    origin: OriginView
    trace_id: str | None
    service_version: str | None
    settled_at: datetime | None
    settled_by: str | None
    settled_reason: str | None
    first_failed_at: datetime
    last_failed_at: datetime
    expires_at: datetime


class AttemptView(Answer):
    """One attempt that failed: put off (`retry`) or the last one (`dead_letter`)."""

    kind: str
    attempt: int
    reason: str
    error_class: str
    message: str
    replay_id: UUID | None
    at: datetime
    mode: str | None = None  # how the attempt worked: standard, careful or plain
    next_mode: str | None = None  # what the one after it changed
    peak_memory_bytes: int | None = None


class LineageView(Answer):
    """A replay that took the entry, and what came of it.

    *actor* and *reason* are empty for those who are no operators.
    """

    replay_id: UUID
    outcome: str
    detail: str | None
    result: str | None  # resolved or failed_again; null while it is not known
    actor: str
    reason: str
    created_at: datetime
    at: datetime | None


class HeaderView(Answer):
    """A header as it came; *value* is null where its bytes are no text."""

    name: str
    value: str | None
    value_base64: str | None


class EntryDetail(EntrySummary):
    """An entry with its record, decoded where it decodes and raw in any case.

    Operators also see the headers that tell how it died.
    """

    attempts: list[AttemptView]
    ladder: list[dict[str, Any]]  # each attempt with mode, reason and peak, as the processor saw it
    replays: list[LineageView]
    headers: list[HeaderView]
    key: str | None
    key_base64: str | None
    value: dict[str, Any] | None  # null where it does not decode
    value_base64: str | None
    packed_bytes: int | None = None
    """Of a record too large for a topic: then `value_base64` is all of it, packed with zstd."""


class GroupView(Answer):
    """Entries that failed of one cause."""

    fingerprint: str
    stage: str
    reason: str
    count: int
    failures: int  # deaths, of which an entry may have several
    first_seen: datetime
    last_seen: datetime
    trend: list[int]  # deaths in each of the last 24 hours, oldest first
    error: ErrorView  # of the newest


class ReplayFilter(BaseModel):
    """Which entries a replay takes; at least one field narrows it."""

    model_config = ConfigDict(extra="forbid")

    stage: Stage | None = None
    reason: Text | None = None
    state: list[EntryState] = Field(default_factory=list, max_length=len(EntryState))
    since: datetime | None = None
    until: datetime | None = None
    document_id: UUID | None = None
    owner: Text | None = None
    text: Text | None = None  # in the error's class or message
    fingerprint: Text | None = None


class ReplayView(Answer):
    """A replay: what it takes, how far it is."""

    id: UUID
    status: ReplayStatus
    selector: dict[str, Any]
    target: str
    from_stage: Stage | None  # null: the stage that failed
    matched: int
    moved: int
    skipped: dict[str, int]  # by reason
    failed: int
    progress: float  # 0-100
    rate_per_s: float
    reason: str
    actor: str
    dry_run: bool
    preview: dict[str, Any] | None  # of a dry run
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    eta_s: float | None


class ReplayItemView(Answer):
    """What became of one entry of a replay."""

    entry_id: UUID
    outcome: str  # waiting, moved, skipped or failed
    detail: str | None
    result: str | None  # resolved or failed_again; null while it is not known
    entry_state: EntryState | None  # null once erased
    at: datetime | None


class AuditView(Answer):
    """Something that somebody did."""

    id: int
    at: datetime
    actor: str
    request_id: str | None
    operation: str
    selector: dict[str, Any]
    counts: dict[str, Any]
    reason: str | None


class AfterReplayView(Answer):
    """What became of all that was ever replayed."""

    replayed: int
    resolved: int
    failed_again: int
    failed_again_ratio: float | None  # of those whose outcome is known; null while none is


class StatsView(Answer):
    """The state of the dead letters at a glance; by_stage and by_reason count the unresolved."""

    by_state: dict[str, int]
    by_stage: dict[str, int]
    by_reason: dict[str, int]
    arrived_last_hour: int
    arrived_last_day: int
    arrival_rate_per_h: float  # over the last day
    oldest_open_at: datetime | None
    awaiting_outcome: int  # replayed, not heard of since
    awaiting_since: datetime | None
    after_replay: AfterReplayView
    expiring_within_day: int
