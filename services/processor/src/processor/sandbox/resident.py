"""One life of a slot's child: watched, halted when others need its processor, and ended."""

import asyncio
import signal
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeAlias

import psutil

from processor.sandbox import folders, footprint
from processor.sandbox.children import Child, Exit
from processor.sandbox.conversation import Conversation, postpone
from processor.sandbox.errors import (
    ChildCrashedError,
    ChildError,
    MemoryLimitError,
    NoChildError,
    TimeLimitError,
)
from processor.sandbox.limits import SandboxLimits

TakeBreaks: TypeAlias = Callable[
    [Callable[[], None], Callable[[], None]], Coroutine[Any, Any, None]
]
"""Calls the first function to halt a child and the second one to let it go on."""

_SAMPLE_S: Final = 0.1
"""Between looks at a child's memory; the kernel's own limit stops what grows faster."""
_NEAR_LIMIT: Final = 0.9
_EXIT_NEWS_S: Final = 5.0
_LAST_NEWS_S: Final = 30.0
"""After SIGKILL; a fork server that hangs has no news at all."""


class Resident:
    """One life."""

    def __init__(self, child: Child, conversation: Conversation) -> None:
        self.child = child
        self.conversation = conversation
        self.documents = 0
        self.must_go = False
        self.deadline: asyncio.Timeout | None = None
        self._process = psutil.Process(child.pid)
        self._first_bytes = self._resident_bytes()
        self._last_bytes = self._peak_bytes = self._first_bytes
        self._doom: ChildError | None = None

    @classmethod
    async def move_in(cls, child: Child, limits: SandboxLimits) -> "Resident":
        """Begin a life. Raises NoChildError when the child is dead already."""
        conversation = await Conversation.open(child.connection, limits)
        try:
            return cls(child, conversation)
        except psutil.Error as error:
            await conversation.close()
            await folders.remove(child.folder)
            raise NoChildError("the child did not come to life") from error

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
        """Sample the memory until cancelled; kill the child where it is beyond its limit."""
        while not self.child.exited.done():
            used = self._resident_bytes()
            self._peak_bytes = max(self._peak_bytes, used)
            if used - self._first_bytes > limits.memory_bytes:
                self._doom = _too_much_memory(limits)
                self.child.kill(signal.SIGKILL)
            await asyncio.sleep(_SAMPLE_S)

    async def take_breaks(self, taken: TakeBreaks) -> None:
        """Halt the child when *taken* says so; whatever ends this lets it go on.

        Its time limits count only what it was let work.
        """
        breaks = _Breaks(self)
        try:
            await taken(breaks.halt, breaks.go_on)
        finally:
            # One that is stopped hears no SIGTERM.
            breaks.go_on()

    def excuse(self, seconds: float) -> None:
        self.conversation.excuse(seconds)
        if self.deadline is not None:
            postpone(self.deadline, seconds)

    def _resident_bytes(self) -> int:
        """Return the resident memory of the child and its programs; 0 when it has just ended."""
        try:
            own = int(self._process.memory_info().rss)
        except psutil.Error:
            return 0
        return own + footprint.of_descendants(self.child.pid, own_bytes=own)

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
        """SIGTERM, then SIGKILL; returns when the child is dead, and its folder gone."""
        self.child.kill(signal.SIGTERM)
        await asyncio.wait([self.child.exited], timeout=grace_s)
        self.child.kill(signal.SIGKILL)
        await asyncio.wait([self.child.exited], timeout=_LAST_NEWS_S)
        await self.conversation.close()
        await folders.remove(self.child.folder)


class _Breaks:
    """Stops a child and lets it go on."""

    def __init__(self, resident: Resident) -> None:
        self._resident = resident
        self._since: float | None = None

    def halt(self) -> None:
        self._resident.child.kill(signal.SIGSTOP)
        self._since = time.monotonic()

    def go_on(self) -> None:
        self._resident.child.kill(signal.SIGCONT)
        if self._since is not None:
            self._resident.excuse(time.monotonic() - self._since)
            self._since = None


def _too_much_memory(limits: SandboxLimits) -> MemoryLimitError:
    mib = limits.memory_bytes // (1024 * 1024)
    return MemoryLimitError(f"the document needs more than {mib} MiB of memory")


def _describe(end: Exit) -> str:
    if end.code < 0:
        return f"the child was killed by {signal.Signals(-end.code).name}"
    return f"the child ended by itself with code {end.code}"
