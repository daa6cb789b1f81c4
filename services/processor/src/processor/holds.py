"""What keeps a stage from working: an open breaker, or its guard."""

import logging
from collections.abc import Iterable

from docyard_common.database import Database
from docyard_common.delivery.guard import Guard, GuardPolicy
from docyard_common.delivery.outcome import DeadLetter, Done, Outcome, Paused, Retry
from docyard_common.events.stages import Stage
from docyard_common.observability import metrics
from docyard_common.work.schema import CHANNEL
from processor import breakers
from processor.breakers import Breakers

logger = logging.getLogger(__name__)

_STOP = "insert into stopped_stages (stage, reason) values (%s, %s) on conflict do nothing"
_RESUME = "delete from stopped_stages where stage = %s"
_SET_SLOTS = """
insert into stage_slots (stage, slots, set_by) values (%s, %s, %s)
on conflict (stage) do update set slots = excluded.slots, set_by = excluded.set_by, at = now()
"""
_UNSET_SLOTS = "delete from stage_slots where stage = %s"
_NOTIFY = "select pg_notify(%s, %s)"


class Holds:
    """Decides whether stages may pick work; a guard's stop is in the database, for all replicas."""

    def __init__(self, stages: Iterable[Stage], *, database: Database) -> None:
        self._database = database
        self._guards = {stage: Guard(GuardPolicy()) for stage in stages}
        self._stopped: dict[Stage, str] = {}
        self._slots: dict[Stage, int] = {}
        self._breakers = Breakers(self._guards, database=database)

    @property
    def stopped(self) -> dict[Stage, str]:
        """Stages that their guard has stopped, with the reason."""
        return dict(self._stopped)

    def may_pick(self, stage: Stage) -> bool:
        """Whether a slot of *stage* may take work now; half-open breakers let one through."""
        if stage in self._stopped:
            return False
        return self._breakers.allow(stage)

    def is_probing(self, stage: Stage) -> bool:
        """Whether only one piece of work may go at a time, to find out whether a server is back."""
        return self._breakers.is_probing(stage)

    def give_back(self, stage: Stage) -> None:
        """Say that nothing was picked though `may_pick` allowed it: a probe has not gone."""
        self._breakers.give_back(stage)

    async def ended(self, stage: Stage, outcome: Outcome) -> None:
        """Learn from how a run ended. Raises DependencyUnavailableError."""
        if isinstance(outcome, Paused):
            await self._breakers.failed(stage, outcome.dependency)
            return
        if isinstance(outcome, Done | Retry | DeadLetter):
            await self._breakers.answered(stage)
        if isinstance(outcome, Done | DeadLetter):
            await self._judge(stage, outcome)

    async def load(self) -> None:
        """Read what holds stages back: at the start, and whenever that changes."""
        async with self._database.transaction() as tx:
            cursor = await tx.execute("select stage, reason from stopped_stages")
            rows = await cursor.fetchall()
            cursor = await tx.execute("select stage, slots from stage_slots")
            self._slots = {Stage(row["stage"]): row["slots"] for row in await cursor.fetchall()}
            await self._breakers.load(tx)
        stopped = {Stage(row["stage"]): row["reason"] for row in rows}
        for stage in self._stopped.keys() - stopped.keys():
            if stage in self._guards:
                self._guards[stage].reset()
        self._stopped = stopped
        for stage in self._guards:
            metrics.STAGE_PAUSED.labels(stage, "guard").set(stage in stopped)

    def slots(self, stage: Stage, default: int) -> int:
        """Return how many *stage* works on at once: what an operator has set, or *default*."""
        return self._slots.get(stage, default)

    async def set_slots(self, stage: Stage, slots: int | None, *, by: str) -> None:
        """Set the slots of *stage* in every replica; None ends that. Idempotent."""
        async with self._database.transaction() as tx:
            if slots is None:
                await tx.execute(_UNSET_SLOTS, (stage,))
            else:
                await tx.execute(_SET_SLOTS, (stage, slots, by))
            await tx.execute(_NOTIFY, (CHANNEL, f"stage:{stage}"))

    async def resume(self, stage: Stage) -> None:
        """Let *stage* go on in every replica; idempotent."""
        async with self._database.transaction() as tx:
            await tx.execute(_RESUME, (stage,))
            await tx.execute(_NOTIFY, (CHANNEL, f"stage:{stage}"))

    async def reset_breaker(self, stage: Stage, dependency: str) -> None:
        """Close a breaker in every replica; idempotent."""
        async with self._database.transaction() as tx:
            await breakers.reset(tx, stage, dependency)
            await tx.execute(_NOTIFY, (CHANNEL, f"stage:{stage}"))

    async def _judge(self, stage: Stage, outcome: Done | DeadLetter) -> None:
        guard = self._guards[stage]
        blamed = isinstance(outcome, Done) or outcome.failure.reason.blames_the_document
        guard.record(system_failure=not blamed)
        if (why := guard.verdict()) and stage not in self._stopped:
            logger.critical("stage.stopped", extra={"stage": stage, "why": why})
            async with self._database.transaction() as tx:
                await tx.execute(_STOP, (stage, why))
                await tx.execute(_NOTIFY, (CHANNEL, f"stage:{stage}"))
            self._stopped[stage] = why
