"""Stages that only take time: how long stands in the document's name, as `500ms.txt`.

Other names tell the child how to die: `memory.txt`, `loop.txt`, `segfault.txt`.
"""

import ctypes
import re
import time

from docyard_common.analysis import Analysis
from docyard_common.artifacts import Page, dump_pages
from docyard_common.events.stages import Stage
from docyard_common.media_types import MediaType
from processor.stages.task import (
    Analyzed,
    Extracted,
    Indexed,
    PagesReady,
    Progress,
    Report,
    StageResult,
    StageTask,
    Validated,
)


def preload() -> None:
    """Nothing here is expensive."""


def run_stage(task: StageTask, report: Report) -> StageResult:
    match task.stage:
        case Stage.VALIDATE:
            return Validated(MediaType.TEXT, page_count=1)
        case Stage.EXTRACT:
            return _extract(task, report)
        case Stage.ANALYZE:
            return Analyzed(Analysis(language="en", language_confidence=1.0))
        case Stage.INDEX:
            return Indexed(())


def _extract(task: StageTask, report: Report) -> StageResult:
    _die_as_told(task.filename)
    if found := re.match(r"(\d+)ms", task.filename):
        _take(int(found[1]) / 1000, report)
    page = Page(number=1, text="slow but sure")
    report.pages(PagesReady(1, 1, len(page.text), dump_pages([page])))
    return Extracted(MediaType.TEXT, 1, len(page.text), (), "slow", {}, None)


def _take(seconds: float, report: Report) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(left, 0.2))
        report.progress(Progress(pages_done=0, pages_total=1))


def _die_as_told(filename: str) -> None:
    match filename:
        case "segfault.txt":
            ctypes.string_at(0)
        case "memory.txt":
            hoard = []
            while True:
                hoard.append(bytearray(16 * 1024 * 1024))
        case "loop.txt":
            while True:
                pass
        case _:
            pass
