"""One slot's child: warm, watched, killed when it must be, replaced when it is worn."""

import asyncio
import os
from pathlib import Path

from processor.sandbox.conversation import Listener, OnMember, OnPages, OnProgress
from processor.sandbox.errors import ChildError, TimeLimitError
from processor.sandbox.folders import empty
from processor.sandbox.frames import Assignment
from processor.sandbox.limits import SandboxLimits
from processor.sandbox.nursery import Nursery
from processor.sandbox.resident import Resident, TakeBreaks
from processor.stages.task import StageResult, StageTask


class Sandbox:
    """Runs one stage at a time in a child that can be killed. One per slot; not shared.

    A kill -9 of this process ends the child with it; nothing of a run survives but what the
    callbacks have stored.
    """

    def __init__(self, limits: SandboxLimits, *, nursery: Nursery) -> None:
        self._limits = limits
        self._nursery = nursery
        self._resident: Resident | None = None
        self.peak_bytes: int | None = None
        """Resident memory of the child at its highest in the last run; sampled."""

    async def start(self) -> None:
        """Have a warm child ready; not needed before `run`. Raises NoChildError."""
        await self._child()

    async def close(self) -> None:
        """End the child. Idempotent."""
        await self._end()

    async def run(
        self,
        task: StageTask,
        *,
        on_progress: OnProgress,
        on_pages: OnPages | None = None,
        on_member: OnMember | None = None,
        gives_way: TakeBreaks | None = None,
    ) -> StageResult:
        """Run *task*; ticks, pages and members are awaited in order while the child waits.

        One that *gives_way* gets what processors others leave, and is halted when it says so; its
        child ends with it, since no process may take back what it gave away.

        Raises the PermanentError the stage ended with, or a ChildError: MemoryLimitError,
        TimeLimitError, NoProgressError, ChildCrashedError, UnforeseenStageError; NoChildError where
        there is none. When cancelled, or when a callback raises, the child is dead before this
        returns.
        """
        resident = await self._child()
        resident.begin()
        beside = [asyncio.create_task(resident.watch(self._limits))]
        if gives_way is not None:
            beside.append(asyncio.create_task(resident.take_breaks(gives_way)))
        try:
            assignment = Assignment(
                task=_within_reach(task, resident.child.folder),
                limits=self._limits,
                gives_way=gives_way is not None,
            )
            listener = Listener(on_progress, on_pages, on_member)
            return await self._converse(resident, assignment, listener)
        finally:
            for each in beside:
                each.cancel()
            self.peak_bytes = resident.sample()
            if gives_way is not None or resident.must_go or resident.is_worn(self._limits):
                await asyncio.shield(asyncio.ensure_future(self._end()))
            else:
                await self._clear(resident.child.folder)

    async def _converse(
        self,
        resident: Resident,
        assignment: Assignment,
        listener: Listener,
    ) -> StageResult:
        resident.must_go = True  # until it has answered
        deadline = asyncio.timeout(self._limits.total_s)
        try:
            async with deadline:
                resident.deadline = deadline
                outcome = await resident.conversation.hold(assignment, listener)
        except TimeoutError as error:
            # A callback may time out for reasons of its own.
            if not deadline.expired():
                raise
            raise TimeLimitError(f"not done after {self._limits.total_s:.0f} s") from error
        except EOFError as error:
            raise await resident.cause_of_death(self._limits) from error
        finally:
            resident.deadline = None
        resident.documents += 1
        resident.must_go = isinstance(outcome, ChildError)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def _child(self) -> Resident:
        if self._resident is None or self._resident.child.exited.done():
            await self._end()
            self._resident = await Resident.move_in(await self._nursery.spawn(), self._limits)
        return self._resident

    async def _clear(self, folder: Path) -> None:
        """Empty the child's folder; where that does not come to its end, the child goes with it."""
        is_empty = False
        try:
            is_empty = await empty(folder)
        finally:
            if not is_empty:
                await asyncio.shield(asyncio.ensure_future(self._end()))

    async def _end(self) -> None:
        resident, self._resident = self._resident, None
        if resident is not None:
            await resident.end(self._limits.kill_grace_s)


def _within_reach(task: StageTask, folder: Path) -> StageTask:
    """Give the files of *task* a second name in *folder*, the only one that its child may open."""

    def named(path: Path | None) -> Path | None:
        return path and _named(path, folder)

    batches = tuple(_named(path, folder) for path in task.page_batches)
    files = {"input": named(task.input), "texts": named(task.texts), "page_batches": batches}
    return task.model_copy(update=files)


def _named(path: Path, folder: Path) -> Path:
    """Return the second name of *path*; *path* where it can have none: it may lie elsewhere."""
    name = folder / path.name
    try:
        os.link(path, name)
    except OSError:
        return path
    return name
