"""A process that has a child at work: `python -m tests.unit.sandbox.driver`, to be killed."""

import asyncio
import sys
from pathlib import Path

from tests.unit.sandbox.conftest import MISBEHAVING, REPOSITORY, ignore
from tests.unit.sandbox.misbehaving import task

from processor.sandbox.limits import SandboxLimits
from processor.sandbox.nursery import Nursery
from processor.sandbox.sandbox import Sandbox
from processor.stages.task import Extracted, Progress


async def main() -> None:
    nursery = Nursery(stages=MISBEHAVING, environment={"PYTHONPATH": str(REPOSITORY)})
    sandbox = Sandbox(SandboxLimits(), nursery=nursery)
    told = await sandbox.run(task("tell_about_self"), on_progress=ignore)
    assert isinstance(told, Extracted)
    folder = Path(str(told.metadata["cwd"])).parent

    async def on_progress(progress: Progress) -> None:
        if progress.pages_done == 1:
            sys.stdout.write(f"{nursery.pid} {told.metadata['pid']} {folder}\n")
            sys.stdout.flush()

    await sandbox.run(task("ignore_sigterm"), on_progress=on_progress)


if __name__ == "__main__":
    asyncio.run(main())
