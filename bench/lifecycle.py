"""Cancelling a running document, and what small documents feel beside huge and bulky ones.

    python -m bench.lifecycle [--cancels 20] [--smalls 40] [--bulky 8] [--pages 2000]

A whole stack of its own is started (`docyard up`), used over HTTP as a client does, and erased. A
cancel is timed from the request to the death of every process that worked on the document, and to
the moment its state reads `cancelled`. Small documents are timed from 202 to `completed`: on the
empty system, and while a PDF of 2,000 pages and bulky ones of 51 MiB and 600 pages are worked on;
`--without-size-lane` shows what they would feel without it. With low work waiting in every slot,
critical documents are sent and both lanes timed.
"""

import argparse
import asyncio
import io
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import httpx
import psutil
from bench.embedded import stack
from bench.small_documents import TEXT
from pypdf import PdfWriter

from docyard_stack.samples import pdfs

_POLL_S = 0.01
_PATIENCE_S = 600.0
_LOOK_S = 0.1
_REST_S = 5.0
_BUSY_PERCENT = 20
ENDS = ("completed", "failed", "cancelled")


class Bench:
    """One owner on one stack."""

    def __init__(self, client: httpx.AsyncClient, processor: psutil.Process) -> None:
        self._client = client
        self._processor = processor
        self._number = 0

    async def upload(self, name: str, data: bytes, *, priority: str = "normal") -> str:
        answer = await self._client.post(
            "/api/v1/documents/upload/simple",
            files={"file": (name, data)},
            data={"priority": priority},
        )
        answer.raise_for_status()
        return str(answer.json()["document_id"])

    async def small(self, *, priority: str = "normal") -> float:
        """Return the seconds from 202 to completed."""
        self._number += 1
        text = TEXT.format(n=self._number).encode()
        document_id = await self.upload(f"n{self._number}.txt", text, priority=priority)
        began = time.perf_counter()
        await self.until(lambda: self.has_ended(document_id))
        seconds = time.perf_counter() - began
        assert await self.is_in(document_id, "completed")
        return seconds

    async def cancel_one(self, pdf: bytes) -> tuple[float, float] | None:
        """Return the seconds from the request to a dead child, and to the state `cancelled`.

        None where the document had ended before.
        """
        document_id = await self.upload("long.pdf", pdf + b"\n%%%d" % time.time_ns())
        await self.until(lambda: self.has_begun(document_id))
        busy = self.busiest_child()
        began = time.perf_counter()
        answer = await self._client.post(f"/api/v1/documents/{document_id}/cancel")
        if answer.status_code == httpx.codes.CONFLICT or busy is None:
            return None
        answer.raise_for_status()

        async def dead() -> float | None:
            await self.until(lambda: _is_dead_or_rests(busy, time.perf_counter() - began))
            return None if busy.is_running() else time.perf_counter() - began

        async def told() -> tuple[float, bool]:
            await self.until(lambda: self.has_ended(document_id))
            seconds = time.perf_counter() - began
            return seconds, await self.is_in(document_id, "cancelled")

        died, (ended, is_cancelled) = await asyncio.gather(dead(), told())
        return (died, ended) if died is not None and is_cancelled else None

    def busiest_child(self) -> psutil.Process | None:
        """Return the child that reads the document: none is as busy."""
        (server,) = self._processor.children()
        children = server.children()
        for child in children:
            child.cpu_percent()
        time.sleep(_LOOK_S)
        busy = {child.cpu_percent(): child for child in children if child.is_running()}
        return busy[max(busy)] if busy and max(busy) > _BUSY_PERCENT else None

    async def has_begun(self, document_id: str) -> bool:
        found = await self._read(document_id)
        return found["state"] not in ("accepted", "validating")

    async def has_ended(self, document_id: str) -> bool:
        return bool((await self._read(document_id))["state"] in ENDS)

    async def is_in(self, document_id: str, state: str) -> bool:
        return bool((await self._read(document_id))["state"] == state)

    async def until(self, condition: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(_PATIENCE_S):
            while not await condition():  # noqa: ASYNC110 - in other processes
                await asyncio.sleep(_POLL_S)

    async def _read(self, document_id: str) -> dict[str, Any]:
        answer = await self._client.get(f"/api/v1/documents/{document_id}")
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found


def _pdf(pages: int) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return pdfs.pdf(Path(folder) / "a.pdf", pages=pages).path.read_bytes()


def _padded(pdf: bytes, mebibytes: int) -> bytes:
    """Return *pdf* with an attachment of random bytes: as large as a scan, unlike all others."""
    writer, out = PdfWriter(io.BytesIO(pdf)), io.BytesIO()
    writer.add_attachment("padding.bin", os.urandom(mebibytes * 1024 * 1024))
    writer.write(out)
    return out.getvalue()


async def _is_dead_or_rests(child: psutil.Process, waited_s: float) -> bool:
    """Whether *child* is dead, or had done its part before: then it is warm for the next one."""
    try:
        if waited_s < _REST_S or not child.is_running():
            return not child.is_running()
        child.cpu_percent()
        await asyncio.sleep(_LOOK_S)
        return child.cpu_percent() < _BUSY_PERCENT
    except psutil.NoSuchProcess:
        return True


def _told(name: str, times: Sequence[float]) -> float:
    ordered = sorted(times)
    p95 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    print(
        f"{name}: p50 {statistics.median(times) * 1000:.0f} ms, p95 {p95 * 1000:.0f} ms "
        f"(max {ordered[-1] * 1000:.0f}, {len(times)} documents)",
        flush=True,
    )
    return p95


async def _cancels(bench: Bench, options: argparse.Namespace) -> None:
    pdf = _pdf(options.cancel_pages)
    tried = [await bench.cancel_one(pdf) for _ in range(options.cancels)]
    found = [one for one in tried if one is not None]
    print(f"{len(found)} of {len(tried)} documents were still running when asked", flush=True)
    if not found:
        return
    _told(
        f"cancel of a running {options.cancel_pages}-page PDF to a dead child",
        [d for d, _ in found],
    )
    _told("cancel to the state cancelled", [told for _, told in found])


async def _beside(bench: Bench, options: argparse.Namespace) -> None:
    for _ in range(10):
        await bench.small()  # children, pools and plans are warm afterwards
    empty = _told("small, empty system", [await bench.small() for _ in range(options.smalls)])
    await bench.upload("huge.pdf", _pdf(options.pages))
    pages = _pdf(options.bulky_pages)
    for number in range(options.bulky):
        await bench.upload(f"bulky-{number}.pdf", _padded(pages, options.bulky_mib))
    beside = _told(
        f"small, beside {options.pages} pages and {options.bulky} bulky files",
        [await bench.small() for _ in range(options.smalls)],
    )
    print(f"ratio of the 95th percentiles: {beside / empty:.2f}", flush=True)


async def _lanes(bench: Bench, options: argparse.Namespace) -> None:
    low = [asyncio.create_task(bench.small(priority="low")) for _ in range(options.flood)]
    critical = [await bench.small(priority="critical") for _ in range(options.smalls)]
    _told("critical, while low documents wait", critical)
    _told(f"low, {options.flood} sent at once", await asyncio.gather(*low))


async def measure(addresses: dict[str, Any], options: argparse.Namespace) -> None:
    headers = {"Authorization": f"Bearer {addresses['token']}"}
    processor = next(
        process
        for process in psutil.process_iter(["cmdline", "environ"])
        if (process.info["cmdline"] or [])[-2:] == ["-m", "processor"]
        and addresses["database"] == (process.info["environ"] or {}).get("DATABASE__URL")
    )
    async with httpx.AsyncClient(
        base_url=addresses["ingest"], headers=headers, timeout=60, trust_env=False
    ) as client:
        bench = Bench(client, processor)
        if not options.only_beside:
            await _cancels(bench, options)
            await _lanes(bench, options)
        await _beside(bench, options)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.lifecycle", description=__doc__)
    parser.add_argument("--cancels", type=int, default=20)
    parser.add_argument("--cancel-pages", type=int, default=500)
    parser.add_argument("--smalls", type=int, default=40)
    parser.add_argument("--bulky", type=int, default=8)
    parser.add_argument("--bulky-mib", type=int, default=51, help="above 50: the size lane")
    parser.add_argument("--bulky-pages", type=int, default=600, help="above 500: the size lane")
    parser.add_argument("--without-size-lane", action="store_true", help="nothing is bulky")
    parser.add_argument("--only-beside", action="store_true", help="leave cancels and lanes out")
    parser.add_argument("--pages", type=int, default=2000)
    parser.add_argument("--flood", type=int, default=100)
    options = parser.parse_args()
    nothing = {"PROCESSOR__BULKY_BYTES": str(2**50), "PROCESSOR__BULKY_PAGES": str(10**9)}
    with stack(nothing if options.without_size_lane else None) as addresses:
        asyncio.run(measure(addresses, options))


if __name__ == "__main__":
    main()
