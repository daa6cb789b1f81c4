"""A process with a child at work, to be killed: `python -m tests.unit.sandbox.driver`."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

from tests.unit.sandbox.conftest import MISBEHAVING, REPOSITORY, ignore
from tests.unit.sandbox.misbehaving import task

from processor.sandbox.limits import SandboxLimits
from processor.sandbox.nursery import Nursery
from processor.sandbox.sandbox import Sandbox
from processor.stages.task import Extracted, Progress

HALTED = "--halted" in sys.argv


async def main() -> None:
    nursery = Nursery(stages=MISBEHAVING, environment={"PYTHONPATH": str(REPOSITORY)})
    sandbox = Sandbox(SandboxLimits(), nursery=nursery)
    told = await sandbox.run(task("tell_about_self"), on_progress=ignore)
    assert isinstance(told, Extracted)
    folder = Path(str(told.metadata["cwd"])).parent

    started = asyncio.Event()

    def say_so() -> None:
        sys.stdout.write(f"{nursery.pid} {told.metadata['pid']} {folder}\n")
        sys.stdout.flush()

    async def on_progress(_progress: Progress) -> None:
        if not started.is_set():
            started.set()
            if not HALTED:
                say_so()

    async def breaks(halt: Callable[[], None], _go_on: Callable[[], None]) -> None:
        await started.wait()
        halt()
        say_so()
        await asyncio.Event().wait()

    await sandbox.run(
        task("ignore_sigterm"), on_progress=on_progress, gives_way=breaks if HALTED else None
    )


if __name__ == "__main__":
    asyncio.run(main())
