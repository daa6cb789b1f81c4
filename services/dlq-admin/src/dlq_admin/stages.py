"""Commands to the stages themselves."""

from collections.abc import Sequence

from dlq_admin.errors import NotFoundError
from dlq_admin.tables import audit, breakers
from dlq_admin.tables.audit import Deed
from docyard_common.clock import Clock
from docyard_common.database import Database
from docyard_common.events import topics
from docyard_common.events.observation import BreakerObserved
from docyard_common.events.stages import Stage
from docyard_common.events.work import (
    BreakerResetRequested,
    StageResumeRequested,
    StageSlotsRequested,
)
from docyard_common.outbox import Outbox


class Stages:
    """Lets stages go on that their guard has stopped, and changes how many slots they have."""

    def __init__(self, database: Database, *, outbox: Outbox, clock: Clock) -> None:
        self._database = database
        self._outbox = outbox
        self._clock = clock

    async def resume(self, stage: Stage, *, deed: Deed) -> StageResumeRequested:
        """Tell every processor to go on with *stage*; one that is not stopped takes no notice."""
        event = StageResumeRequested(
            stage=stage, requested_by=deed.actor, requested_at=self._clock.now()
        )
        async with self._database.transaction() as tx:
            await self._outbox.publish(tx, topics.COMMANDS, event)
            await audit.add(tx, deed)
        return event

    async def breakers(self) -> Sequence[BreakerObserved]:
        """Return the breakers that have ever opened, as the processor told of them last."""
        async with self._database.transaction() as tx:
            return await breakers.newest(tx)

    async def breaker(self, name: str) -> BreakerObserved:
        """Return one breaker, `<stage>.<server>`. Raises NotFoundError."""
        for breaker in await self.breakers():
            if breaker.name == name:
                return breaker
        raise NotFoundError("breaker")

    async def reset_breaker(self, name: str, *, deed: Deed) -> BreakerResetRequested:
        """Tell every processor to close a breaker. Raises NotFoundError."""
        found = await self.breaker(name)
        event = BreakerResetRequested(
            stage=found.stage,
            dependency=found.dependency,
            requested_by=deed.actor,
            requested_at=self._clock.now(),
        )
        async with self._database.transaction() as tx:
            await self._outbox.publish(tx, topics.COMMANDS, event)
            await audit.add(tx, deed)
        return event

    async def set_slots(
        self, stage: Stage, slots: int | None, *, deed: Deed
    ) -> StageSlotsRequested:
        """Tell every processor how many documents of *stage* to work on at once; None: as set."""
        event = StageSlotsRequested(
            stage=stage, slots=slots, requested_by=deed.actor, requested_at=self._clock.now()
        )
        async with self._database.transaction() as tx:
            await self._outbox.publish(tx, topics.COMMANDS, event)
            await audit.add(tx, deed)
        return event
