"""The program that looks at pictures runs inside the limits of a document's child."""

import shutil

import pytest
from tests.unit.extraction.reading import task_for
from tests.unit.extraction.scans import WORDS, scan

from docyard_common.artifacts import load_pages
from processor.sandbox.limits import SandboxLimits
from processor.sandbox.nursery import Nursery
from processor.sandbox.sandbox import Sandbox
from processor.stages.task import PagesReady, Progress

pytestmark = pytest.mark.skipif(
    shutil.which("tesseract") is None, reason="tesseract is not installed"
)


async def test_a_scan_is_read_within_the_limits_of_a_child() -> None:
    texts: list[str] = []

    async def on_pages(batch: PagesReady) -> None:
        texts.extend(page.text for page in load_pages(batch.data))

    async def on_progress(_progress: Progress) -> None: ...

    nursery = Nursery()
    await nursery.start()
    sandbox = Sandbox(SandboxLimits(), nursery=nursery)
    try:
        async with nursery.lend_folder() as folder:
            task = task_for(scan(folder / "a.pdf"))
            await sandbox.run(task, on_progress=on_progress, on_pages=on_pages)
    finally:
        await sandbox.close()
        await nursery.close()

    assert texts == [WORDS]
