"""The slots of one stage: pick what is due in the scheduler's order, run it, pick again."""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Sequence

from docyard_common.database import Database, Transaction
from docyard_common.delivery.scheduling import Occupation, Scheduler, under_load
from docyard_common.errors import DependencyUnavailableError, SupersededError
from docyard_common.events.stages import Priority, Stage
from docyard_common.observability import metrics
from docyard_common.work import picking
from docyard_common.work.model import Lease
from processor.heartbeat import Heartbeat
from processor.holds import Holds
from processor.load import Load
from processor.memory import Memory
from processor.runner import Runner
from processor.settings import SlotSettings
from processor.settle import Settlement

logger = logging.getLogger(__name__)

_IDLE_S = 1.0
"""Longest wait for a NOTIFY, and so the longest that a due retry is overlooked."""
_STOP_S = 8.0
_SERVED_MAX = 256
"""Owners remembered for their turn: more than that never wait for one slot."""


class Slots:
    """Runs up to `slots` documents of *stage* at once; one picker, so caps hold exactly."""

    def __init__(  # noqa: PLR0913 - the collaborators of the heart, wired once in app
        self,
        stage: Stage,
        *,
        settings: SlotSettings,
        worker: str,
        database: Database,
        runner: Runner,
        settlement: Settlement,
        heartbeat: Heartbeat,
        holds: Holds,
        load: Load,
        memory: Memory,
    ) -> None:
        self._stage = stage
        self._settings = settings
        self._worker = worker
        self._database = database
        self._runner = runner
        self._settlement = settlement
        self._heartbeat = heartbeat
        self._holds = holds
        self._load = load
        self._memory = memory
        memory.watch(stage, self.wake)
        self._scheduler = Scheduler(settings.slots)
        self._running: dict[asyncio.Task[None], Lease] = {}
        self._served: dict[str, None] = {}  # owners, who was served last is last
        self._wake = asyncio.Event()
        self._may_wait = True
        """Whether rows may wait for a slot; of what comes later NOTIFY tells, or time."""
        self._stopping = False
        metrics.STAGE_SLOTS.labels(stage).set(settings.slots)

    @property
    def count(self) -> int:
        """How many documents this process works on at once in this stage; operators change it."""
        return self._holds.slots(self._stage, self._settings.slots)

    def wake(self) -> None:
        """Look for work now: some was stored, or a slot has become free."""
        self._wake.set()

    async def run(self) -> None:
        """Pick and run until cancelled; a database that is away is waited out."""
        while True:
            self._wake.clear()
            try:
                while await self._pick_some():
                    pass
            except DependencyUnavailableError as error:
                logger.warning("pick.waiting", extra={"error": str(error)})
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_IDLE_S):
                    await self._wake.wait()

    async def stop(self) -> None:
        """Stop the running documents and give their rows back; bounded by eight seconds.

        What does not stop in time is left to its lease.
        """
        self._stopping = True
        runs = dict(self._running)
        for run in runs:
            run.cancel()
        if runs:
            await asyncio.wait(runs, timeout=_STOP_S)

    async def _pick_some(self) -> bool:
        """Give the next due rows to free slots; false when there are no more of either."""
        self._may_wait = True
        if not self._may_pick():
            return False
        self._scheduler.resize(self.count)
        occupation = self._occupation()
        order = self._scheduler.order(occupation)
        if self._load.throttles():
            order = under_load(order)
        room = self._scheduler.room(occupation, order)
        bulky = min(
            self._scheduler.bulky_room(occupation),
            self._load.bulky_room(),
        )
        wanted = min(room, 1) if self._holds.is_probing(self._stage) else room
        leases, tight = await self._pick(order, wanted, bulky=bulky)
        if not leases:
            # What is to find out whether a server is back may wait for memory: it goes with that.
            self._holds.give_back(self._stage)
        for lease in leases:
            self._scheduler.picked(lease.lane, order)
            self._start(lease)
        no_more_bulky = sum(lease.bulky for lease in leases) == bulky
        seen_all = not tight and not no_more_bulky and len(order) == len(Priority)
        self._may_wait = not (seen_all and len(leases) < wanted)
        # One that was waited for was picked alone, and behind bulky ones there may be small ones.
        return len(leases) == wanted > 0 or (bool(leases) and (tight or no_more_bulky))

    def _may_pick(self) -> bool:
        """Whether a slot is free and may take work; memory is kept for no stage that is held."""
        if self._stopping or not self.count or self._stage in self._holds.stopped:
            self._memory.hold_back(self._stage, None)
            return False
        if len(self._running) >= self.count:
            return False
        may_pick = self._holds.may_pick(self._stage)
        if not may_pick:
            self._memory.hold_back(self._stage, None)
        return may_pick

    async def _pick(
        self, order: Sequence[Priority], wanted: int, *, bulky: int
    ) -> tuple[list[Lease], bool]:
        """Return what was picked, and whether some may be left that needs more memory."""
        if not order or not wanted:
            return [], False
        async with self._memory.room(self._stage) as room, self._database.autocommit() as tx:
            leases = await picking.pick(
                tx,
                self._stage,
                order,
                worker=self._worker,
                lease_s=self._settings.lease_s,
                bulky=bulky,
                limit=1 if room.only else wanted,
                served=tuple(self._served),
                room=room,
            )
            self._memory.begin(leases)
            tight = len(leases) < wanted and self._memory.may_hold_back(room)
            if tight and not leases:
                await self._hold_back(tx, order, bulky=bulky, room=room)
            elif not tight:
                self._memory.hold_back(self._stage, None)
        return leases, tight

    async def _hold_back(
        self, tx: Transaction, order: Sequence[Priority], *, bulky: int, room: picking.Room
    ) -> None:
        found = await picking.too_large(
            tx, self._stage, order, bulky=bulky > 0, memory_bytes=room.memory_bytes
        )
        self._memory.hold_back(self._stage, found)

    def _start(self, lease: Lease) -> None:
        self._served.pop(lease.owner, None)
        self._served[lease.owner] = None
        if len(self._served) > _SERVED_MAX:
            del self._served[next(iter(self._served))]
        run = asyncio.create_task(self._run(lease), name=f"{self._stage}:{lease.key.document_id}")
        self._running[run] = lease
        self._load.begins(bulky=lease.bulky)
        if lease.deliveries > 1:
            metrics.LEASES_TAKEN_OVER.labels(self._stage).inc()
        self._heartbeat.hold(lease, run)
        run.add_done_callback(self._ended)

    def _ended(self, run: asyncio.Task[None]) -> None:
        lease = self._running.pop(run)
        self._memory.end(lease)
        self._heartbeat.drop(run)
        self._load.ends(bulky=lease.bulky)
        if not run.cancelled() and (error := run.exception()):
            # The row is left to its lease: whatever this is, a fresh run may fare better.
            logger.error("run.lost", exc_info=error)
        if self._may_wait:
            self.wake()

    async def _run(self, lease: Lease) -> None:
        outcome = await self._runner.run(lease)
        if self._stopping:
            # Abandoned by the shutdown, not by a cancel: another process can go on at once.
            with contextlib.suppress(SupersededError, DependencyUnavailableError):
                await self._settlement.release(lease)
            return
        await self._holds.ended(self._stage, outcome)

    def _occupation(self) -> Occupation:
        leases = self._running.values()
        return Occupation(
            running=Counter(lease.lane for lease in leases),
            bulky=sum(lease.bulky for lease in leases),
        )
