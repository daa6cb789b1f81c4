"""What Docyard says about its work: the queue, places in it, timelines, operations on many."""

from datetime import datetime
from typing import Any

from pydantic import Field

from docyard.models.documents import Model


class StageQueue(Model):
    """What waits for one stage and what runs in it."""

    stage: str
    waiting: int = 0
    oldest_s: float = 0.0
    retrying: int = 0
    running: int = 0
    slots: int = 0
    dead: int = 0
    waiting_for_memory: int = 0  # due, and larger than what running ones leave of the memory
    stopped: str | None = None


class Queue(Model):
    """The queue of all owners; *age_s* says how old what the processor told is."""

    stages: tuple[StageQueue, ...]
    age_s: float | None = None


class Place(Model):
    """Where a document stands; *position* 1 is the next one, None unless it waits."""

    document_id: str
    state: str
    waits_for: str | None = None
    position: int | None = None
    waiting_s: float | None = None
    eta_s: float | None = None


class Timeline(Model):
    """Every generation of a document with its stages and runs."""

    document_id: str
    generations: tuple[dict[str, Any], ...]


class Operation(Model):
    """Something done to many documents, and how far it is; a dry run has no id."""

    id: str | None = None
    kind: str | None = None
    status: str = "completed"
    dry_run: bool = False
    matched: int
    eligible: int | None = None  # of a dry run
    done: int = 0
    skipped: dict[str, int] = Field(default_factory=dict)  # by reason
    in_work: int | None = None  # begun and not ended; only where one operation is read
    progress: float = 0.0
    eta_s: float | None = None
    created_at: datetime | None = None


class Reconciliation(Model):
    """How many documents are in work, and of how many the work was asked for again."""

    unfinished: int
    asked: int
