"""People who use a stack without a pause: they upload, watch, search and read."""

import asyncio
import contextlib
import itertools
import json
import random
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import websockets
from bench.mixture import Mixture

from docyard_stack.samples import Outcome

CONNECTIONS = 8
TERMINAL = ("completed", "failed", "cancelled", "quarantined")
_BATCH = 16
_WATCH_S = 60.0
_LOOK_S = 1.0
_ROOM_S = 0.05
_TRIES = 5

Written = list[tuple[str, bytes, bool]]


def write_some(first: int) -> Written:
    """Return documents from number *first* on: name, bytes, and whether they can be read."""
    mixture = Mixture()
    with tempfile.TemporaryDirectory() as folder:
        made = [mixture.write(Path(folder), first + n) for n in range(_BATCH)]
        return [(s.name, s.path.read_bytes(), s.outcome is Outcome.COMPLETED) for s in made]


class Load:
    """One owner with many documents; *backlog* bounds those that are accepted and not yet done."""

    def __init__(self, client: httpx.AsyncClient, addresses: dict[str, Any], backlog: int) -> None:
        self._client = client
        self._addresses = addresses
        self._backlog = backlog
        self._unfinished = 0
        self._sent_since_look = 0
        self._ready: asyncio.Queue[tuple[str, bytes, bool]] = asyncio.Queue(4 * _BATCH)
        self.readable: dict[str, bool] = {}  # by the id of a document that was accepted
        self.refused = 0
        self.unanswered = 0

    async def run(self, seconds: float) -> None:
        """Use the stack for that long."""
        users = (
            self._write_documents(),
            self._look(),
            self._watch(),
            self._read(),
            *(self._upload() for _ in range(CONNECTIONS)),
        )
        tasks = [asyncio.create_task(user) for user in users]
        ended, _ = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for task in ended:
            task.result()

    async def drain(self, within_s: float) -> None:
        """Return when nothing is under way any more, or after *within_s* seconds."""
        deadline = time.monotonic() + within_s
        await self._count()
        while self._unfinished and time.monotonic() < deadline:
            await asyncio.sleep(_LOOK_S)
            await self._count()

    async def states(self) -> dict[str, str]:
        """Return the state of every document that was uploaded itself, by its id."""
        found: dict[str, str] = {}
        cursor: str | None = None
        while True:
            asked = {"top_level": "true", "limit": "200"} | ({"cursor": cursor} if cursor else {})
            page = await self._get("/api/v1/documents", asked)
            found |= {item["document_id"]: item["state"] for item in page["items"]}
            cursor = page["next_cursor"]
            if cursor is None:
                return found

    async def by_state(self) -> dict[str, int]:
        """Return how many documents stand where, with those that came out of containers."""
        counts: dict[str, int] = (await self._get("/api/v1/documents/stats"))["by_state"]
        return counts

    async def described(self, document_id: str) -> str:
        """Return what became of a document, in a few words that others share with it."""
        answer = await self._answer(f"/api/v1/documents/{document_id}")
        if not answer.is_success:
            return f"answered with {answer.status_code}"
        found = answer.json()
        suffix = Path(found["filename"]).suffix
        return f"{suffix} {found['state']} {(found.get('error') or {}).get('code', '')}".strip()

    async def _write_documents(self) -> None:
        """Write in a process of its own: a library's leak there is not the stack's."""
        loop = asyncio.get_running_loop()
        with ProcessPoolExecutor(1, max_tasks_per_child=200) as writers:
            for first in itertools.count(0, _BATCH):
                for document in await loop.run_in_executor(writers, write_some, first):
                    await self._ready.put(document)

    async def _upload(self) -> None:
        while True:
            if self._unfinished + self._sent_since_look >= self._backlog:
                await asyncio.sleep(_ROOM_S)
                continue
            name, data, readable = await self._ready.get()
            document_id = await self._accepted(name, data)
            if document_id is None:
                self.refused += 1
            else:
                self.readable[document_id] = readable
                self._sent_since_look += 1

    async def _accepted(self, name: str, data: bytes) -> str | None:
        """Return the id of a new document; None where the answer was another, or none came."""
        path = "/api/v1/documents/upload/simple"
        try:
            answer = await self._client.post(path, files={"file": (name, data)})
        except httpx.HTTPError:
            return None
        taken = answer.status_code == httpx.codes.ACCEPTED
        return str(answer.json()["document_id"]) if taken else None

    async def _look(self) -> None:
        while True:
            await self._count()
            await asyncio.sleep(_LOOK_S)

    async def _count(self) -> None:
        self._sent_since_look = 0
        counts = await self.by_state()
        self._unfinished = sum(n for state, n in counts.items() if state not in TERMINAL)

    async def _watch(self) -> None:
        """Follow what is uploaded on a socket, and on another one after a minute."""
        url = self._addresses["notifier"].replace("http", "ws", 1) + "/api/v1/ws/progress"
        while True:
            async with websockets.connect(url, proxy=None) as socket:
                listening = asyncio.create_task(_drain_socket(socket))
                with contextlib.suppress(websockets.ConnectionClosed):
                    await self._follow(socket)
            await listening

    async def _follow(self, socket: websockets.ClientConnection) -> None:
        await socket.send(json.dumps({"type": "connect", "token": self._addresses["token"]}))
        until = time.monotonic() + _WATCH_S
        while time.monotonic() < until:
            newest = list(itertools.islice(reversed(self.readable), 10))
            await socket.send(json.dumps({"type": "subscribe", "job_ids": newest}))
            await asyncio.sleep(_LOOK_S)

    async def _read(self) -> None:
        """Search, and read a document: its text, its entities, its timeline."""
        dice = random.Random(0)
        while True:
            await self._get("/api/v1/search", {"q": dice.choice(("harbour", "crates", "invoice"))})
            if self.readable:
                some = dice.choice(list(itertools.islice(reversed(self.readable), 1000)))
                for part in ("", "/text", "/entities", "/timeline"):
                    await self._answer(f"/api/v1/documents/{some}{part}")
            await asyncio.sleep(_LOOK_S)

    async def _get(self, path: str, asked: dict[str, str] | None = None) -> Any:
        answer = await self._answer(path, asked)
        answer.raise_for_status()
        return answer.json()

    async def _answer(self, path: str, asked: dict[str, str] | None = None) -> httpx.Response:
        """Ask again where no answer came, and count that: a soak goes on."""
        for _ in range(_TRIES - 1):
            try:
                return await self._client.get(path, params=asked)
            except httpx.HTTPError:
                self.unanswered += 1
        return await self._client.get(path, params=asked)


async def _drain_socket(socket: websockets.ClientConnection) -> None:
    with contextlib.suppress(websockets.ConnectionClosed):
        async for _ in socket:
            pass
