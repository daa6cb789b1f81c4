"""Every document of the corpus ends as its manifest says, through a real child process."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.corpus.manifest import CORPUS, accepted, entries, normalized

from docyard_common.artifacts import load_pages
from docyard_common.errors import PermanentError
from docyard_common.events.stages import Stage
from processor.sandbox.limits import SandboxLimits
from processor.sandbox.nursery import Nursery
from processor.sandbox.sandbox import Sandbox
from processor.stages.task import Analyzed, Extracted, PagesReady, Progress, StageTask

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not entries(), reason=f"no corpus in {CORPUS}"),
]
REAL = [pytest.param(entry, id=entry["path"]) for entry in entries()]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def nursery() -> AsyncIterator[Nursery]:
    nursery = Nursery()
    await nursery.start()
    yield nursery
    await nursery.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox(nursery: Nursery) -> AsyncIterator[Sandbox]:
    sandbox = Sandbox(SandboxLimits(), nursery=nursery)
    yield sandbox
    await sandbox.close()


class Processing:
    """The four stages of one document, one after the other."""

    def __init__(self, sandbox: Sandbox, entry: dict[str, Any], folder: Path) -> None:
        self._sandbox = sandbox
        self._folder = folder
        self._batches: list[Path] = []
        self._task = StageTask(
            stage=Stage.VALIDATE,
            filename=Path(entry["path"]).name,
            content_type=None,
            size_bytes=entry["size_bytes"],
            sha256=entry["sha256"],
            # A child opens nothing outside the folder of its nursery.
            input=Path(shutil.copyfile(CORPUS / entry["path"], folder / "original")),
            ocr=False,  # the manifest knows nothing of words in pictures, and they cost minutes
        )
        self.extracted: Extracted | None = None
        self.language: str | None = None

    async def run(self) -> str:
        """Return the outcome in the manifest's words."""
        try:
            for stage in Stage:
                await self._stage(stage)
        except PermanentError as error:
            return f"failed:{error.reason}"
        return "completed"

    def text(self) -> str:
        return "\n".join(
            page.text for path in self._batches for page in load_pages(path.read_bytes())
        )

    async def _stage(self, stage: Stage) -> None:
        task = self._task.model_copy(update={"stage": stage, "page_batches": tuple(self._batches)})
        result = await self._sandbox.run(task, on_progress=_ignore, on_pages=self._keep)
        if isinstance(result, Extracted):
            self.extracted = result
        elif isinstance(result, Analyzed):
            self.language = result.analysis.language

    async def _keep(self, batch: PagesReady) -> None:
        path = self._folder / f"{batch.first:07d}"
        path.write_bytes(batch.data)
        self._batches.append(path)


async def _ignore(_progress: Progress) -> None:
    """Take a tick and forget it."""


@pytest.mark.parametrize("entry", REAL)
async def test_a_document_ends_as_the_manifest_says(
    sandbox: Sandbox, entry: dict[str, Any], nursery: Nursery
) -> None:
    async with nursery.lend_folder() as folder:
        processing = Processing(sandbox, entry, folder)
        outcome = await processing.run()
        text = normalized(processing.text())

    assert outcome in accepted(entry)
    if outcome != "completed":
        return
    assert [word for word in entry["must_contain"] if normalized(word) not in text] == []
    _check_facts(entry, processing)


def _check_facts(entry: dict[str, Any], processing: Processing) -> None:
    extracted = processing.extracted
    assert extracted is not None
    assert extracted.page_errors == ()
    if entry["page_count"] is not None:
        assert extracted.page_count == entry["page_count"]
    if "slides" in entry:
        assert extracted.page_count == entry["slides"]
    if "sheets" in entry:
        assert extracted.metadata["sheets"] == entry["sheets"]
    for name, value in entry.get("csv", {}).items():
        assert extracted.metadata[name] == value
    if "image_size" in entry:
        assert [extracted.metadata["width"], extracted.metadata["height"]] == entry["image_size"]
        assert extracted.thumbnail is not None
