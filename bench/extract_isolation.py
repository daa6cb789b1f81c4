"""The price of isolation: extract in a slot's child, in this process, and bare pypdfium2.

Rounds alternate, so that all see the same machine; ratios are of medians. Run with
`python -m bench.extract_isolation [rounds]`. All read the text of every page of the same PDFs with
one core at work. Extract also finds headings and metadata and writes compressed batches, here as in
the child: what the child adds to that is the price of isolation.
"""

import asyncio
import hashlib
import statistics
import sys
import time
from pathlib import Path

import psutil
import pypdfium2 as pdfium
from reportlab.pdfgen.canvas import Canvas

from docyard_common.events.stages import Stage
from processor.sandbox.limits import SandboxLimits
from processor.sandbox.nursery import Nursery
from processor.sandbox.sandbox import Sandbox
from processor.stages.extract import extract
from processor.stages.task import (
    Extracted,
    FoundMember,
    MemberData,
    PagesReady,
    Progress,
    StageTask,
)

DOCUMENTS = 8
PAGES = 60
LINES = 45
WORDS = "isolation keeps one bad document from hurting the others and costs a little time "


def make_pdf(path: Path, seed: int) -> Path:
    canvas = Canvas(str(path))
    for page in range(PAGES):
        text = canvas.beginText(50, 800)
        for line in range(LINES):
            text.textLine(f"{seed}.{page}.{line} {WORDS}")
        canvas.drawText(text)
        canvas.showPage()
    canvas.save()
    return path


def read_bare(path: Path) -> int:
    characters = 0
    with pdfium.PdfDocument(path) as pdf:
        for number in range(len(pdf)):
            page = pdf[number]
            textpage = page.get_textpage()
            characters += len(textpage.get_text_bounded())
            textpage.close()
            page.close()
    return characters


def task_for(path: Path, *, thumbnail: bool) -> StageTask:
    data = path.read_bytes()
    return StageTask(
        stage=Stage.EXTRACT,
        filename=path.name,
        content_type="application/pdf",
        size_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        input=path,
        options={"thumbnail": thumbnail},
    )


class Unheard:
    """Takes what a stage reports, and leaves it."""

    def progress(self, progress: Progress) -> None: ...

    def pages(self, batch: PagesReady) -> None: ...

    def member(self, told: MemberData | FoundMember) -> None: ...


def read_here(path: Path) -> None:
    """Do the same work as the child, in this process."""
    if extract(task_for(path, thumbnail=False), Unheard()).page_count != PAGES:
        raise RuntimeError("not all pages were read")


async def read_in_child(sandbox: Sandbox, path: Path, *, thumbnail: bool) -> None:
    async def on_progress(_progress: Progress) -> None: ...

    async def on_pages(_batch: PagesReady) -> None: ...

    task = task_for(path, thumbnail=thumbnail)
    result = await sandbox.run(task, on_progress=on_progress, on_pages=on_pages)
    if not isinstance(result, Extracted) or result.page_count != PAGES:
        raise RuntimeError("not all pages were read")


def cpu_seconds(nursery: Nursery) -> float:
    """Processor time of this process and its children so far; load on the machine leaves it."""
    children = psutil.Process(nursery.pid).children()
    times = [process.cpu_times() for process in (psutil.Process(), *children)]
    return sum(spent.user + spent.system for spent in times)


class Meter:
    """Pages per second by the clock, and by processor time of all processes taking part."""

    def __init__(self, nursery: Nursery) -> None:
        self._nursery = nursery
        self._started = time.perf_counter()
        self._cpu = cpu_seconds(nursery)

    def read(self) -> tuple[float, float]:
        pages = DOCUMENTS * PAGES
        wall = time.perf_counter() - self._started
        return pages / wall, pages / (cpu_seconds(self._nursery) - self._cpu)


Rates = dict[str, list[tuple[float, float]]]


async def measure(nursery: Nursery, sandbox: Sandbox, paths: list[Path], rounds: int) -> Rates:
    rates: Rates = {"bare": [], "in this process": [], "text only": [], "with thumbnail": []}
    for number in range(rounds + 1):
        found = {}
        meter = Meter(nursery)
        for path in paths:
            read_bare(path)
        found["bare"] = meter.read()
        meter = Meter(nursery)
        for path in paths:
            read_here(path)
        found["in this process"] = meter.read()
        for name, thumbnail in (("text only", False), ("with thumbnail", True)):
            meter = Meter(nursery)
            for path in paths:
                await read_in_child(sandbox, path, thumbnail=thumbnail)
            found[name] = meter.read()
        if number:  # the first round warms both
            for name, value in found.items():
                rates[name].append(value)
    return rates


def show(rates: Rates) -> None:
    for position, unit in enumerate(("by the clock", "by processor time")):
        print(f"pages per second {unit}")
        bare = statistics.median(value[position] for value in rates["bare"])
        for name, pairs in rates.items():
            values = [pair[position] for pair in pairs]
            median = statistics.median(values)
            spread = f"{min(values):.0f}-{max(values):.0f}"
            print(f"  {name:>15}: median {median:.0f} ({spread}), {median / bare:.3f} of bare")
        isolated, here = (
            statistics.median(value[position] for value in rates[name])
            for name in ("text only", "in this process")
        )
        print(f"  in the child / in this process: {isolated / here:.3f}")


async def main(rounds: int) -> None:
    nursery = Nursery()
    # One child for the whole run: its processor time is read while it lives.
    sandbox = Sandbox(SandboxLimits(documents_per_child=1_000_000), nursery=nursery)
    await nursery.start()
    # Where children may read, and nowhere else.
    async with nursery.lend_folder() as folder:
        paths = [make_pdf(folder / f"{n}.pdf", n) for n in range(DOCUMENTS)]
        await sandbox.start()
        rates = await measure(nursery, sandbox, paths, rounds)
    await sandbox.close()
    await nursery.close()
    print(f"{DOCUMENTS} documents of {PAGES} pages, {rounds} alternating rounds")
    show(rates)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 7))
