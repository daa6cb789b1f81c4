"""The price of isolation: extract in a slot's child, in this process, and bare pypdfium2.

    python -m bench.extract_isolation [rounds] [--documents 200]

Rounds alternate, so that all see the same machine; ratios are of medians. All read the text of
every page of the same PDFs with one core at work. Extract also finds headings and metadata and
writes compressed batches, here as in the child: what the child adds to that is the price of
isolation. A round has as many documents as one child reads before it is replaced, so that each has
paid for one. A time is that of one document as its caller sees it. Peak memory is that of the
process that reads; for a child, of the fork server with its children. It is watched in the first
round, which warms all and is left out of the times: watching costs processor time.
"""

import argparse
import asyncio
import hashlib
import itertools
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psutil
import pypdfium2 as pdfium
from bench.documents import PeakMemory, own_bytes, ranks, tree_bytes
from bench.embedded import tree_s, used_s
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

FILES = 8
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


async def read_bare(path: Path) -> None:
    characters = _characters(path)
    if not characters:
        raise RuntimeError("no text was read")


def _characters(path: Path) -> int:
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


async def read_here(path: Path) -> None:
    """Do the same work as the child, in this process."""
    if extract(task_for(path, thumbnail=False), Unheard()).page_count != PAGES:
        raise RuntimeError("not all pages were read")


async def read_in_child(path: Path, *, sandbox: Sandbox, thumbnail: bool) -> None:
    async def on_progress(_progress: Progress) -> None: ...

    async def on_pages(_batch: PagesReady) -> None: ...

    task = task_for(path, thumbnail=thumbnail)
    result = await sandbox.run(task, on_progress=on_progress, on_pages=on_pages)
    if not isinstance(result, Extracted) or result.page_count != PAGES:
        raise RuntimeError("not all pages were read")


@dataclass
class Way:
    """One way to read, and what it did over all rounds."""

    read: Callable[[Path], Awaitable[None]]
    resident_bytes: Callable[[], int]
    rates: list[tuple[float, float]] = field(default_factory=list)  # of each round
    times: list[float] = field(default_factory=list)
    peak: PeakMemory = field(default_factory=PeakMemory)


def ways(nursery: Nursery, sandbox: Sandbox) -> dict[str, Way]:
    here = partial(own_bytes, psutil.Process())
    below = partial(tree_bytes, psutil.Process(nursery.pid))
    in_child = partial(read_in_child, sandbox=sandbox)
    return {
        "bare": Way(read_bare, here),
        "in this process": Way(read_here, here),
        "text only": Way(partial(in_child, thumbnail=False), below),
        "with thumbnail": Way(partial(in_child, thumbnail=True), below),
    }


class Meter:
    """Pages per second by the clock, and by processor time of all processes taking part."""

    def __init__(self, nursery: Nursery) -> None:
        self._server = psutil.Process(nursery.pid)
        self._started = time.perf_counter()
        self._cpu = self._cpu_s()

    def read(self, pages: int) -> tuple[float, float]:
        wall = time.perf_counter() - self._started
        return pages / wall, pages / (self._cpu_s() - self._cpu)

    def _cpu_s(self) -> float:
        # With that of the fork server goes that of children that were replaced.
        return used_s(psutil.Process()) + tree_s(self._server)


async def measure(
    nursery: Nursery, found: Mapping[str, Way], paths: Sequence[Path], rounds: int
) -> None:
    for way in found.values():
        with way.peak.watching(way.resident_bytes):
            await read_all(way, paths)
    for _ in range(rounds):
        for way in found.values():
            meter = Meter(nursery)
            way.times += await read_all(way, paths)
            way.rates.append(meter.read(len(paths) * PAGES))


async def read_all(way: Way, paths: Sequence[Path]) -> list[float]:
    """Return the seconds of each document."""
    times = []
    for path in paths:
        began = time.perf_counter()
        await way.read(path)
        times.append(time.perf_counter() - began)
    return times


def show(found: Mapping[str, Way]) -> None:
    for position, unit in enumerate(("by the clock", "by processor time")):
        print(f"pages per second {unit}")
        bare = _median(found["bare"], position)
        for name, way in found.items():
            values = [rate[position] for rate in way.rates]
            median = statistics.median(values)
            spread = f"{min(values):.0f}-{max(values):.0f}"
            print(f"  {name:>15}: median {median:.0f} ({spread}), {median / bare:.3f} of bare")
        isolated, here = (
            _median(found[name], position) for name in ("text only", "in this process")
        )
        print(f"  in the child / in this process: {isolated / here:.3f}")
    print("a document")
    for name, way in found.items():
        print(f"  {name:>15}: {ranks(way.times)}; {way.peak}")


def _median(way: Way, position: int) -> float:
    return statistics.median(rate[position] for rate in way.rates)


async def main(options: argparse.Namespace) -> None:
    nursery = Nursery()
    sandbox = Sandbox(SandboxLimits(), nursery=nursery)
    await nursery.start()
    # Where children may read, and nowhere else.
    async with nursery.lend_folder() as folder:
        files = [make_pdf(folder / f"{n}.pdf", n) for n in range(FILES)]
        paths = list(itertools.islice(itertools.cycle(files), options.documents))
        await sandbox.start()
        found = ways(nursery, sandbox)
        await measure(nursery, found, paths, options.rounds)
    await sandbox.close()
    await nursery.close()
    print(f"{len(paths)} documents of {PAGES} pages, {options.rounds} alternating rounds")
    show(found)


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m bench.extract_isolation", description=__doc__)
    made.add_argument("rounds", type=int, nargs="?", default=4)
    made.add_argument("--documents", type=int, default=SandboxLimits().documents_per_child)
    return made


if __name__ == "__main__":
    asyncio.run(main(parser().parse_args()))
