"""How long things wait and how fast they go: the processor's observation and ingest's own rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from docyard_common.clock import Clock
from docyard_common.database import Database, Transaction
from docyard_common.events.observation import ProcessingObserved, StageObserved
from docyard_common.events.stages import Stage
from ingest.document import Document
from ingest.documents.lifecycle import found
from ingest.tables import queue
from ingest.tables.queue import Waiting


@dataclass(frozen=True)
class Place:
    """Where a document stands; position is None unless it waits for a slot."""

    document: Document
    position: int | None  # 1 is the next one
    waiting_s: float | None
    due_at: datetime | None  # a retry that is not due yet
    eta_s: float | None  # until it is completed, at the rates of the last minutes


class Queueing:
    """Answers what waits. All methods raise DependencyUnavailableError."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def read(self) -> tuple[ProcessingObserved | None, Sequence[Waiting], datetime]:
        """Return the newest observation, the documents that wait, and what time it is."""
        async with self._database.transaction() as tx:
            return await queue.newest(tx), await queue.waiting(tx), self._clock.now()

    async def place(self, document_id: UUID, *, owner: str) -> Place:
        """Return where the document of *owner* stands. Raises DocumentNotFoundError."""
        async with self._database.transaction() as tx:
            return await self._place(tx, await found(tx, document_id, owner))

    async def expected(self, document: Document) -> float | None:
        """Return in how many seconds *document* may be completed; None where nothing tells."""
        if document.view.is_terminal:
            return None
        async with self._database.transaction() as tx:
            return (await self._place(tx, document)).eta_s

    async def _place(self, tx: Transaction, document: Document) -> Place:
        observed = await queue.newest(tx)
        view, now = document.view, self._clock.now()
        if view.waits_for is None or view.waiting_since is None:
            return Place(document, None, None, None, _remaining_s(document, observed))
        ahead = await queue.ahead(tx, view, document.priority)
        due = view.waiting_since
        waited = (now - due).total_seconds()
        return Place(
            document,
            position=ahead + 1,
            waiting_s=max(0.0, round(waited, 3)),
            due_at=due if waited < 0 else None,
            eta_s=_eta_s(document, ahead, max(0.0, -waited), observed),
        )


def rate_per_s(stage: StageObserved, window_s: float) -> float:
    """Return how many runs of *stage* ended well in a second of the window."""
    return stage.done / window_s


def full_rate_per_s(stage: StageObserved, window_s: float) -> float:
    """Return how many runs of *stage* end well in a second while its slots have work.

    What ended in the window says how fast it goes only for the part of it that was worked.
    """
    if not stage.done:
        return 0.0
    if stage.utilisation > 0:
        return stage.done / (window_s * stage.utilisation)
    return stage.slots / stage.run_s.p50 if stage.run_s.p50 else rate_per_s(stage, window_s)


def _eta_s(
    document: Document, ahead: int, until_due_s: float, observed: ProcessingObserved | None
) -> float | None:
    """Return the wait by the stage's rate, and what is left after it; None without figures."""
    left = _remaining_s(document, observed)
    if observed is None or left is None:
        return None
    stage = next(one for one in observed.stages if one.stage is document.view.waits_for)
    rate = full_rate_per_s(stage, observed.window_s)
    if rate <= 0:
        return None
    return round(max(until_due_s, ahead / rate) + left, 1)


def _remaining_s(document: Document, observed: ProcessingObserved | None) -> float | None:
    """Return what the stages that are left take, at their median; the running one by its pace."""
    view = document.view
    if view.is_terminal:
        return 0.0
    if observed is None:
        return None
    at = view.waits_for or view.stage or Stage.VALIDATE
    left = [stage for stage in observed.stages if stage.stage.position >= at.position]
    running = view.waits_for is None
    total = view.eta_s or 0.0
    for stage in left[1:] if running and view.eta_s is not None else left:
        total += (stage.run_s.p50 or 0.0) + (stage.wait_s.p50 or 0.0)
    return round(total, 1)
