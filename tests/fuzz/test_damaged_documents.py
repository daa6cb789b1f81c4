"""Whatever is done to a document, it ends: read, or refused for a reason that has a name.

Sixty cases in the suite; two thousand by `make fuzz`, over the corpus, too, where it is there.
"""

import asyncio
import hashlib
import os
import random
import sys
from collections import Counter
from pathlib import Path
from typing import Final

import psutil
import pytest
from tests.corpus.manifest import CORPUS, entries
from tests.fuzz.mutations import damaged

from docyard_common.errors import FailureReason, PermanentError
from docyard_common.events.stages import Stage
from docyard_stack import samples
from docyard_stack.samples import Outcome
from processor.sandbox.errors import ChildError
from processor.sandbox.limits import SandboxLimits
from processor.sandbox.nursery import Nursery
from processor.sandbox.sandbox import Sandbox
from processor.stages.task import Progress, StageTask

CASES: Final = int(os.environ.get("DOCYARD_FUZZ_CASES", "60"))
SEED: Final = 20_260_314
AT_ONCE: Final = 2
LARGEST: Final = 400_000
LIMITS: Final = SandboxLimits(
    memory_bytes=1024 * 1024 * 1024, total_s=60, no_progress_s=30, cpu_s=60, kill_grace_s=0.5
)


def originals(folder: Path, *, real: bool = CASES > 60) -> list[Path]:
    """Return what is damaged: samples of every kind and, for *real*, what the corpus has."""
    made = [s.path for s in samples.every(folder) if s.outcome is Outcome.COMPLETED]
    found = [CORPUS / entry["path"] for entry in entries()] if real else []
    return [path for path in made + found if path.stat().st_size <= LARGEST]


class Fuzzing:
    """Sandboxes that share the cases; what was found is kept by its name."""

    def __init__(self, nursery: Nursery, paths: list[Path]) -> None:
        self._nursery = nursery
        self._paths = paths
        self._cases = iter(range(CASES))
        self.outcomes: Counter[str] = Counter()
        self.unforeseen: list[str] = []

    async def work(self) -> None:
        sandbox = Sandbox(LIMITS, nursery=self._nursery)
        for number in self._cases:
            dice = random.Random(SEED + number)
            original = dice.choice(self._paths)
            data = damaged(original.read_bytes(), dice)
            async with self._nursery.lend_folder() as folder:
                path = folder / "original"
                path.write_bytes(data)
                outcome = await self._outcome(sandbox, path, original.name, data)
            self.outcomes[outcome] += 1
            if outcome.startswith(FailureReason.UNFORESEEN_ERROR):
                self.unforeseen.append(f"case {number}, {original.name}: {outcome}")
        await sandbox.close()

    async def _outcome(self, sandbox: Sandbox, path: Path, name: str, data: bytes) -> str:
        task = StageTask(
            stage=Stage.VALIDATE,
            filename=name,
            content_type=None,
            size_bytes=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            input=path,
        )
        try:
            for stage in (Stage.VALIDATE, Stage.EXTRACT):
                task = task.model_copy(update={"stage": stage})
                await sandbox.run(task, on_progress=_ignore)
        except (PermanentError, ChildError) as error:
            unforeseen = error.reason is FailureReason.UNFORESEEN_ERROR
            return f"{error.reason}: {error}"[:300] if unforeseen else str(error.reason)
        return "completed"


async def _ignore(_progress: Progress) -> None:
    """Take a tick and forget it."""


@pytest.mark.timeout(7_000)
async def test_damaged_documents_end_and_leave_nobody_behind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nursery = Nursery()
    await nursery.start()
    server = psutil.Process(nursery.pid)
    fuzzing = Fuzzing(nursery, originals(tmp_path))

    await asyncio.gather(*(fuzzing.work() for _ in range(AT_ONCE)))
    left = [child.pid for child in server.children(recursive=True)]
    await nursery.close()

    with capsys.disabled():
        counted = {name: count for name, count in fuzzing.outcomes.most_common() if ":" not in name}
        sys.stdout.write(f"\n{CASES} damaged documents: {counted}\n")
    assert fuzzing.outcomes.total() == CASES
    assert left == []
    assert not psutil.pid_exists(server.pid)
    assert fuzzing.unforeseen == []
