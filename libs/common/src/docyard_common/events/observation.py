"""What the processor's own tables say of the work: told every few seconds, by one replica."""

from datetime import datetime
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from docyard_common.events.envelope import Event
from docyard_common.events.stages import Priority, Stage


class Observed(BaseModel):
    """Part of an observation; readers ignore what a newer writer adds."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Spread(Observed):
    """How long something took, in seconds; null where nothing ended in the window."""

    p50: float | None = None
    p95: float | None = None


class StageObserved(Observed):
    """One stage at one moment, and in the window before it."""

    stage: Stage
    waiting: dict[Priority, int]  # rows that wait for a slot, those with a later due time included
    retrying: int = Field(ge=0)  # of them, those that wait for their next attempt
    running: int = Field(ge=0)
    slots: int = Field(ge=0)  # of all replicas
    oldest_s: float = Field(ge=0)  # how long the oldest due row waits; 0 when none does
    dead: int = Field(ge=0)  # rows that wait for a replay
    waiting_for_memory: int = Field(default=0, ge=0)  # due, and larger than what is free
    stopped: str | None = None  # why its guard has stopped the stage
    done: int = Field(ge=0)  # in the window, as are all that follow
    failed: int = Field(ge=0)
    retried: int = Field(ge=0)
    run_s: Spread = Spread()
    wait_s: Spread = Spread()
    utilisation: float = Field(ge=0, le=1)  # of the slots' time


class BreakerObserved(Observed):
    """A breaker that has opened at least once, as the last replica to change it left it."""

    stage: Stage
    dependency: str
    state: str  # closed, half_open or open
    failures: int = Field(ge=0)  # in a row
    opened_at: datetime | None = None
    retry_at: datetime | None = None  # when it lets the next probe through

    @property
    def name(self) -> str:
        """What operators call it."""
        return f"{self.stage}.{self.dependency}"


class ProcessingObserved(Event):
    """The work as a whole: topic `processing.observations`. May be lost: the next one follows."""

    type: ClassVar[str] = "docyard.processing.observed.v1"

    observed_at: datetime
    window_s: float = Field(gt=0)
    stages: tuple[StageObserved, ...]
    breakers: tuple[BreakerObserved, ...] = ()

    @property
    def key(self) -> str:
        return "processing"
