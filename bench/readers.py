"""Three ways to get the text of a file: a slot's child, a Tika server, kreuzberg in process.

Each answers for one file after the other, and says which processes do its work.
"""

import asyncio
import contextlib
import hashlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

import httpx
import psutil
from bench import peers

from docyard_common.errors import PermanentError
from docyard_common.events.stages import Stage
from docyard_stack.ports import free_ports
from processor.sandbox.errors import ChildError
from processor.sandbox.limits import SandboxLimits
from processor.sandbox.nursery import Nursery
from processor.sandbox.sandbox import Sandbox
from processor.stages.task import Extracted, PagesReady, Progress, StageTask

_START_S = 120.0


class Reader(Protocol):
    """Reads one file at a time."""

    @property
    def roots(self) -> list[psutil.Process]:
        """The processes that do the work, each with its children; this one is not among them."""
        ...

    async def read(self, path: Path) -> tuple[float, int]:
        """Return the seconds it took, and the characters; no characters where it refuses."""
        ...


class ChildReader:
    """What Docyard does in the stage extract: types, pages, headings and metadata, too."""

    def __init__(self, nursery: Nursery, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self.roots = [psutil.Process(nursery.pid)]

    async def read(self, path: Path) -> tuple[float, int]:
        began = time.perf_counter()
        try:
            found = await self._sandbox.run(
                _task(path), on_progress=_ignore_progress, on_pages=_ignore_pages
            )
        except (PermanentError, ChildError):
            found = None
        took = time.perf_counter() - began
        return took, found.characters if isinstance(found, Extracted) else 0


def _task(path: Path) -> StageTask:
    data = path.read_bytes()
    return StageTask(
        stage=Stage.EXTRACT,
        filename=path.name,
        content_type=None,
        size_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        input=path,
        options={"thumbnail": False},
        ocr=False,
    )


async def _ignore_progress(_progress: Progress) -> None: ...


async def _ignore_pages(_batch: PagesReady) -> None: ...


@asynccontextmanager
async def docyard(nursery: Nursery) -> AsyncIterator[Reader]:
    """Yield a slot's child as it is in the processor: warm, killable, recycled."""
    sandbox = Sandbox(SandboxLimits(), nursery=nursery)
    await sandbox.start()
    try:
        yield ChildReader(nursery, sandbox)
    finally:
        await sandbox.close()


class TikaReader:
    """Asks a Tika server over one kept connection."""

    def __init__(self, client: httpx.AsyncClient, server: psutil.Process) -> None:
        self._client = client
        self.roots = [server]

    async def read(self, path: Path) -> tuple[float, int]:
        headers = {"Accept": "text/plain", "X-Tika-Skip-OCR": "true"}
        headers["Content-Disposition"] = f'attachment; filename="{path.name}"'
        data = path.read_bytes()  # noqa: ASYNC240 - nobody waits for this process
        began = time.perf_counter()
        try:
            answer = await self._client.put("/tika", content=data, headers=headers)
        except httpx.HTTPError:
            # A file can cost it the process that parses: it starts another one.
            gone = time.perf_counter() - began
            await _answers(self._client)
            return gone, 0
        took = time.perf_counter() - began
        return took, len(answer.text) if answer.is_success else 0


@asynccontextmanager
async def tika(folder: Path) -> AsyncIterator[Reader]:
    """Yield a Tika server of its own. Raises PeerMissingError where there can be none."""
    command = peers.tika()
    (port,) = free_ports(1)
    with (folder / "tika.log").open("wb") as log:
        server = await asyncio.create_subprocess_exec(
            *command, "-h", "127.0.0.1", "-p", str(port), stdout=log, stderr=log, cwd=folder
        )
    try:
        url = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(base_url=url, timeout=300, trust_env=False) as client:
            await _answers(client)
            yield TikaReader(client, psutil.Process(server.pid))
    finally:
        server.terminate()
        await server.wait()


async def _answers(client: httpx.AsyncClient) -> None:
    deadline = time.monotonic() + _START_S
    while True:
        with contextlib.suppress(httpx.HTTPError):
            if (await client.get("/tika")).is_success:
                return
        if time.monotonic() > deadline:
            raise peers.PeerMissingError(f"Tika does not answer after {_START_S:.0f} s")
        await asyncio.sleep(0.2)


class KreuzbergReader:
    """Tells a process with kreuzberg in it what to read; it takes the time itself.

    A file that ends the process has no text; the next one is read by another process.
    """

    def __init__(self, program: Path) -> None:
        self._program = program
        self._process: asyncio.subprocess.Process | None = None
        self.roots: list[psutil.Process] = []

    async def start(self) -> None:
        """Start the process, in an environment that is kreuzberg's own."""
        self._process = await asyncio.create_subprocess_exec(
            str(self._program),
            "-c",
            "from kreuzberg_reader import read; read()",
            cwd=peers.REPOSITORY / "bench",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        self.roots = [psutil.Process(self._process.pid)]

    async def stop(self) -> None:
        """End the process, if it has not ended by itself."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
            await self._process.wait()

    async def read(self, path: Path) -> tuple[float, int]:
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        began = time.perf_counter()
        self._process.stdin.write(f"{path}\n".encode())
        answer = (await self._process.stdout.readline()).split()
        if not answer:
            died = time.perf_counter() - began
            await self.stop()
            await self.start()
            return died, 0
        took, characters = answer
        return float(took), int(characters)


@asynccontextmanager
async def kreuzberg() -> AsyncIterator[Reader]:
    """Yield kreuzberg in a process of its own. Raises PeerMissingError without it."""
    reader = KreuzbergReader(await asyncio.to_thread(peers.kreuzberg))
    await reader.start()
    try:
        yield reader
    finally:
        await reader.stop()
