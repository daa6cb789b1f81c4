"""Runs a whole stack: parts in tiers, each tier in parallel, stopped in reverse order.

A tier starts when the one before it serves; of parts that are waited for by those who need them,
it is enough that they are launched: a broker and the programs that load meanwhile share two cores.
"""

import asyncio
import logging
import signal
from collections.abc import Callable, Sequence
from typing import Final

from docyard_stack.errors import StackError, StartFailedError
from docyard_stack.folder import StackFolder
from docyard_stack.keeper import Keeper
from docyard_stack.part import Part
from docyard_stack.processes import Identity, stop_orphan
from docyard_stack.record import Failure, Phase, StackRecord

logger = logging.getLogger(__name__)

_ORPHAN_S: Final = 20.0

Notice = Callable[[str, float], None]
"""Told the name of a part that serves, and the seconds it took."""


class Supervisor:
    """The parts of one stack. Every process it starts dies with the thread that runs it (Linux)."""

    def __init__(self, folder: StackFolder, record: StackRecord) -> None:
        self._folder = folder
        self._record = record
        self._started: list[list[Keeper]] = []

    async def start(self, tiers: Sequence[Sequence[Part]], notice: Notice) -> None:
        """Start the tiers in their order; return when all parts serve.

        Raises StartFailedError after stopping what had started, StackError when the folder can not
        be written to: `stop` is due then.
        """
        self._record.failure = None
        self._record.supervisor = Identity.own()
        self._announce(Phase.STARTING)
        try:
            await self._start_tiers(tiers, notice)
        except StartFailedError as error:
            await self._fail(error)
            raise
        self._announce(Phase.READY)

    async def stop(self) -> None:
        """Stop everything, the last tier first; idempotent, and due after a failed start too."""
        if self._record.phase is not Phase.FAILED:
            self._enter(Phase.STOPPING)
        await self._stop_parts()
        self._record.supervisor = None
        self._enter(Phase.STOPPED if self._record.failure is None else Phase.FAILED)

    async def _start_tiers(self, tiers: Sequence[Sequence[Part]], notice: Notice) -> None:
        """Start all *tiers*; the first failure gives up the others and is raised."""
        try:
            async with asyncio.TaskGroup() as starts:
                for parts in tiers:
                    keepers = [self._keeper(part) for part in parts]
                    self._started.append(keepers)
                    ready = [starts.create_task(_start(keeper, notice)) for keeper in keepers]
                    for keeper, served in zip(keepers, ready, strict=True):
                        await (keeper.launched.wait() if keeper.part.is_waited_for else served)
        except ExceptionGroup as group:
            raise group.exceptions[0] from None

    async def _fail(self, error: StartFailedError) -> None:
        self._record.failure = Failure(part=error.part, reason=error.reason, log=str(error.log))
        await self.stop()

    async def _stop_parts(self) -> None:
        while self._started:
            await asyncio.gather(*(keeper.stop() for keeper in self._started[-1]))
            self._started.pop()

    def _keeper(self, part: Part) -> Keeper:
        keeper = Keeper(part, log=self._folder.log(part.name), changed=self._save)
        self._record.parts[part.name] = keeper.record
        return keeper

    def _announce(self, phase: Phase) -> None:
        """Enter a *phase* for which others wait. Raises StackError."""
        self._record.phase = phase
        try:
            self._folder.save(self._record)
        except OSError as error:
            reason = f"{self._folder.path} can not be written to: {error.strerror}"
            raise StackError(reason) from error

    def _enter(self, phase: Phase) -> None:
        self._record.phase = phase
        self._save()

    def _save(self) -> None:
        # A full disk must not end the care for the parts, nor keep them from being stopped.
        try:
            self._folder.save(self._record)
        except OSError as error:
            logger.warning("the state of the stack is not written down: %s", error)


async def reap(record: StackRecord) -> None:
    """End what a killed supervisor left running, so that its folder and ports are free again."""
    left = [part.process for part in record.parts.values() if part.process is not None]
    stopping = (stop_orphan(each, first=signal.SIGTERM, within_s=_ORPHAN_S) for each in left)
    await asyncio.gather(*stopping)


async def _start(keeper: Keeper, notice: Notice) -> None:
    clock = asyncio.get_running_loop()
    started = clock.time()
    await keeper.start()
    notice(keeper.part.name, clock.time() - started)
