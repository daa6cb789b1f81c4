"""One slot's child: warm, watched, killed when it must be, replaced when it is worn."""

import asyncio
import logging
import signal
from typing import Final

import psutil

from processor.sandbox.conversation import (
    Conversation,
    Listener,
    OnMember,
    OnPages,
    OnProgress,
)
from processor.sandbox.errors import (
    ChildCrashedError,
    ChildError,
    MemoryLimitError,
    TimeLimitError,
)
from processor.sandbox.frames import Assignment
from processor.sandbox.limits import SandboxLimits
from processor.sandbox.nursery import Child, Exit, Nursery
from processor.stages.task import StageResult, StageTask

logger = logging.getLogger(__name__)

_SAMPLE_S: Final = 0.1
"""Between looks at a child's memory; the kernel's own limit stops what grows faster."""
_NEAR_LIMIT: Final = 0.9
_EXIT_NEWS_S: Final = 5.0


class Sandbox:
    """Runs one stage at a time in a child that can be killed. One per slot; not shared.

    A kill -9 of this process ends the child with it; nothing of a run survives but what the
    callbacks have stored.
    """

    def __init__(self, limits: SandboxLimits, *, nursery: Nursery) -> None:
        self._limits = limits
        self._nursery = nursery
        self._resident: _Resident | None = None
        self.peak_bytes: int | None = None
        """Resident memory of the child at its highest in the last run; sampled."""

    async def start(self) -> None:
        """Have a warm child ready; not needed before `run`."""
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
        gives_way: bool = False,
    ) -> StageResult:
        """Run *task*; ticks, pages and members are awaited in order while the child waits.

        One that *gives_way* gets what processors others leave; its child ends with it, since no
        process may take back what it gave away.

        Raises the PermanentError the stage ended with, or a ChildError: MemoryLimitError,
        TimeLimitError, NoProgressError, ChildCrashedError, UnforeseenStageError. When cancelled,
        or when a callback raises, the child is dead before this returns.
        """
        resident = await self._child()
        resident.begin()
        async with self._nursery.lend_folder() as folder:
            watch = asyncio.create_task(resident.watch(self._limits))
            try:
                assignment = Assignment(
                    task=task, limits=self._limits, folder=str(folder), gives_way=gives_way
                )
                listener = Listener(on_progress, on_pages, on_member)
                return await self._converse(resident, assignment, listener)
            finally:
                watch.cancel()
                self.peak_bytes = resident.sample()
                if gives_way or resident.must_go or resident.is_worn(self._limits):
                    await asyncio.shield(asyncio.ensure_future(self._end()))

    async def _converse(
        self,
        resident: "_Resident",
        assignment: Assignment,
        listener: Listener,
    ) -> StageResult:
        resident.must_go = True  # until it has answered
        deadline = asyncio.timeout(self._limits.total_s)
        try:
            async with deadline:
                outcome = await resident.conversation.hold(assignment, listener)
        except TimeoutError as error:
            # A callback may time out for reasons of its own.
            if not deadline.expired():
                raise
            raise TimeLimitError(f"not done after {self._limits.total_s:.0f} s") from error
        except EOFError as error:
            raise await resident.cause_of_death(self._limits) from error
        resident.documents += 1
        resident.must_go = isinstance(outcome, ChildError)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def _child(self) -> "_Resident":
        if self._resident is None or self._resident.child.exited.done():
            await self._end()
            self._resident = await _Resident.move_in(await self._nursery.spawn(), self._limits)
        return self._resident

    async def _end(self) -> None:
        resident, self._resident = self._resident, None
        if resident is not None:
            await resident.end(self._limits.kill_grace_s)


class _Resident:
    """One life of the slot's child."""

    def __init__(self, child: Child, conversation: Conversation) -> None:
        self.child = child
        self.conversation = conversation
        self.documents = 0
        self.must_go = False
        self._process = psutil.Process(child.pid)
        self._first_bytes = self._resident_bytes()
        self._last_bytes = self._peak_bytes = self._first_bytes
        self._doom: ChildError | None = None

    @classmethod
    async def move_in(cls, child: Child, limits: SandboxLimits) -> "_Resident":
        """Begin a life. Raises ChildCrashedError when the child is dead already."""
        conversation = await Conversation.open(child.connection, limits)
        try:
            return cls(child, conversation)
        except psutil.Error as error:
            await conversation.close()
            raise ChildCrashedError("the child did not come to life") from error

    def begin(self) -> None:
        """Begin a run: its peak is its own."""
        self._peak_bytes = self._resident_bytes()

    def sample(self) -> int:
        """Look at the memory once more and return its peak in this run."""
        self._peak_bytes = max(self._peak_bytes, self._resident_bytes())
        return self._peak_bytes

    def is_worn(self, limits: SandboxLimits) -> bool:
        self._last_bytes = self._resident_bytes()
        return (
            self.documents >= limits.documents_per_child
            or self._peak_bytes > limits.soft_memory_bytes
            or self._last_bytes - self._first_bytes > limits.growth_bytes
        )

    async def watch(self, limits: SandboxLimits) -> None:
        """Sample the child's memory until cancelled; kill it where it is beyond its limit."""
        while not self.child.exited.done():
            used = self._resident_bytes()
            self._peak_bytes = max(self._peak_bytes, used)
            if used - self._first_bytes > limits.memory_bytes:
                self._doom = _too_much_memory(limits)
                self.child.kill(signal.SIGKILL)
            await asyncio.sleep(_SAMPLE_S)

    def _resident_bytes(self) -> int:
        """Return the child's resident memory; 0 when it has just ended."""
        try:
            return int(self._process.memory_info().rss)
        except psutil.Error:
            return 0

    async def cause_of_death(self, limits: SandboxLimits) -> ChildError:
        """Say why the child has closed its end."""
        try:
            async with asyncio.timeout(_EXIT_NEWS_S):
                end = await asyncio.shield(self.child.exited)
        except TimeoutError:
            return ChildCrashedError("the child closed its connection and stayed")
        if self._doom is not None:
            return self._doom
        if end.code == -signal.SIGXCPU:
            return TimeLimitError(f"used more than {limits.cpu_s} s of processor time")
        peak_bytes = max(end.peak_bytes, self._peak_bytes) - self._first_bytes
        if end.code < 0 and peak_bytes > limits.memory_bytes * _NEAR_LIMIT:
            return _too_much_memory(limits)
        return ChildCrashedError(_describe(end))

    async def end(self, grace_s: float) -> None:
        """SIGTERM, then SIGKILL; returns when the child is dead."""
        self.child.kill(signal.SIGTERM)
        try:
            async with asyncio.timeout(grace_s):
                await asyncio.shield(self.child.exited)
        except TimeoutError:
            self.child.kill(signal.SIGKILL)
            await asyncio.shield(self.child.exited)
        await self.conversation.close()


def _too_much_memory(limits: SandboxLimits) -> MemoryLimitError:
    mib = limits.memory_bytes // (1024 * 1024)
    return MemoryLimitError(f"the document needs more than {mib} MiB of memory")


def _describe(end: Exit) -> str:
    if end.code < 0:
        return f"the child was killed by {signal.Signals(-end.code).name}"
    return f"the child ended by itself with code {end.code}"
