"""One fork server a module; its children are really killed."""

from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
import pytest_asyncio

from processor.sandbox.limits import SandboxLimits
from processor.sandbox.nursery import Nursery
from processor.sandbox.sandbox import Sandbox
from processor.stages.task import Progress

REPOSITORY = Path(__file__).parents[3]
MISBEHAVING = "tests.unit.sandbox.misbehaving"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def nursery() -> AsyncIterator[Nursery]:
    nursery = Nursery(stages=MISBEHAVING, environment={"PYTHONPATH": str(REPOSITORY)})
    await nursery.start()
    yield nursery
    await nursery.close()


@pytest.fixture
def limits() -> SandboxLimits:
    mib = 1024 * 1024
    return SandboxLimits(memory_bytes=256 * mib, soft_memory_bytes=200 * mib, kill_grace_s=0.5)


@pytest_asyncio.fixture(loop_scope="module")
async def sandbox(nursery: Nursery, limits: SandboxLimits) -> AsyncIterator[Sandbox]:
    sandbox = Sandbox(limits, nursery=nursery)
    yield sandbox
    await sandbox.close()


async def ignore(_progress: Progress) -> None:
    """Take a tick and forget it."""


def is_gone(pid: int) -> bool:
    """Whether no process of that number lives; a zombie does not."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
