"""The warm children of one process, lent to one run at a time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from processor.sandbox.limits import SandboxLimits
from processor.sandbox.nursery import Nursery
from processor.sandbox.sandbox import Sandbox


class Sandboxes:
    """As many children as runs at once; the one used last is lent first, so few stay warm."""

    def __init__(self, limits: SandboxLimits, *, nursery: Nursery) -> None:
        self._limits = limits
        self._nursery = nursery
        self._idle: list[Sandbox] = []
        self._all: list[Sandbox] = []

    @asynccontextmanager
    async def borrow(self) -> AsyncIterator[Sandbox]:
        """Lend a sandbox for the block."""
        sandbox = self._idle.pop() if self._idle else self._new()
        try:
            yield sandbox
        finally:
            self._idle.append(sandbox)

    async def close(self) -> None:
        """End all children."""
        for sandbox in self._all:
            await sandbox.close()

    def _new(self) -> Sandbox:
        sandbox = Sandbox(self._limits, nursery=self._nursery)
        self._all.append(sandbox)
        return sandbox
