"""The shapes of work: what is asked for, and what a slot holds while it works."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from docyard_common.delivery.ladder import Mode
from docyard_common.events.stages import Priority, Stage
from docyard_common.events.work import StageRequested
from docyard_common.kafka.received import ReceivedRecord


@dataclass(frozen=True, slots=True, order=True)
class WorkKey:
    """Names one piece of work: there is at most one row for it. Rows are locked in this order."""

    document_id: UUID
    generation: int
    stage: Stage


@dataclass(frozen=True, slots=True)
class WorkOrder:
    """A record that asks for work, decoded; the record itself is kept as it came."""

    record: ReceivedRecord
    request: StageRequested
    bulky: bool
    replay_id: str | None = None
    memory_bytes: int = 0  # what a run of it may need

    @property
    def is_reconciling(self) -> bool:
        """Whether work is asked for again; a replay of such work is a replay."""
        return self.request.reconciling and self.replay_id is None


@dataclass(slots=True)
class Meter:
    """What a run has used; filled while it runs, told when it ends."""

    mode: Mode = Mode.STANDARD
    pages: int | None = None
    peak_memory_bytes: int | None = None  # resident memory of the child at its highest


@dataclass(frozen=True, slots=True)
class Lease:
    """A row that a slot has picked: valid while its fence is the row's."""

    key: WorkKey
    lane: Priority
    owner: str
    bulky: bool
    fence: int
    attempt: int  # from 1
    deliveries: int  # picks since the last clean end, this one included
    started_at: datetime
    waited_s: float
    first_failed_at: datetime | None
    record: ReceivedRecord
    worker: str
    media_type: str = ""  # as far as it was known when the work was taken in
    size_bytes: int = 0
    memory_bytes: int = 0  # set aside for the run
    meter: Meter = field(default_factory=Meter, compare=False)
