"""Small documents through all four stages: how many a second, and how soon one is completed.

    python -m bench.small_documents [--documents 300] [--rounds 3] [--singles 60]

A whole stack of its own is started (`docyard up`), used over HTTP as a client does, and erased.
A burst is timed from the first request to the moment the last document is completed; a single one,
on an idle system, from its 202 to `completed` on the progress socket. CPU time is that of all
processes, over the bursts.
"""

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import httpx
import websockets
from bench.embedded import CLIENT, CpuMeter, milliseconds_each, stack

CONNECTIONS = 8
TEXT = (
    "The harbour of Rotterdam handled {n} containers on 3 March 2024. Anna Berg of Nordic Freight "
    "wrote to port@example.org that the crane at quay {n} was repaired for 1,{n:03d} euros."
)


Document = tuple[str, bytes]
"""A file's name, without spaces, and its content."""


def small_text(number: int) -> Document:
    return f"note-{number}.txt", TEXT.format(n=number).encode()


class Uploader:
    """Uploads documents over kept connections: the first is number 1.

    `sent` says of each by its id when it began to be sent, in seconds since 1970.
    """

    def __init__(
        self, client: httpx.AsyncClient, document: Callable[[int], Document] = small_text
    ) -> None:
        self._client = client
        self._document = document
        self._number = 0
        self.sent: dict[str, float] = {}

    async def upload(self) -> str:
        self._number += 1
        began = time.time()
        file = {"file": self._document(self._number)}
        answer = await self._client.post("/api/v1/documents/upload/simple", files=file)
        answer.raise_for_status()
        document_id: str = answer.json()["document_id"]
        self.sent[document_id] = began
        return document_id

    async def burst(self, documents: int) -> float:
        """Return the seconds from the first request to the last document's completion."""
        before = await self._completed()
        began = time.perf_counter()
        left = iter(range(documents))

        async def work() -> None:
            for _ in left:
                await self.upload()

        await asyncio.gather(*(work() for _ in range(CONNECTIONS)))
        while await self._completed() < before + documents:  # noqa: ASYNC110 - in other processes
            await asyncio.sleep(0.1)
        return time.perf_counter() - began

    async def _completed(self) -> int:
        answer = await self._client.get("/api/v1/documents/stats")
        answer.raise_for_status()
        return int(answer.json()["by_state"].get("completed", 0))


async def single(uploader: Uploader, socket: websockets.ClientConnection) -> float:
    """Return the milliseconds from 202 to `completed` on the socket."""
    document_id = await uploader.upload()
    began = time.perf_counter()
    await socket.send(json.dumps({"type": "subscribe", "job_ids": [document_id]}))
    while not _completed(json.loads(await socket.recv()), document_id):
        pass
    return (time.perf_counter() - began) * 1000


def _completed(message: dict[str, Any], document_id: str) -> bool:
    told = [message, *message.get("snapshot", [])]
    return any(
        each.get("job_id") == document_id and each.get("data", {}).get("state") == "completed"
        for each in told
    )


async def measure(addresses: dict[str, Any], options: argparse.Namespace) -> None:
    headers = {"Authorization": f"Bearer {addresses['token']}"}
    limits = httpx.Limits(max_connections=CONNECTIONS)
    async with httpx.AsyncClient(
        base_url=addresses["ingest"], headers=headers, limits=limits, timeout=60, trust_env=False
    ) as client:
        uploader = Uploader(client)
        await uploader.burst(30)  # children, pools and plans are warm afterwards
        meter = CpuMeter(addresses["data"])
        before = meter.read()
        rates = [
            options.documents / await uploader.burst(options.documents)
            for _ in range(options.rounds)
        ]
        spent = milliseconds_each(before, meter.read(), options.documents * options.rounds)
        print(
            f"burst of {options.documents}: documents per second median "
            f"{statistics.median(rates):.1f} (min {min(rates):.1f}, max {max(rates):.1f})"
        )
        print(f"CPU milliseconds a document: {shown(spent)}")
        await _singles(uploader, addresses, options.singles)


def shown(spent: dict[str, float]) -> str:
    """Return the sum without the client, and what it is made of."""
    parts = ", ".join(f"{name} {each:.1f}" for name, each in spent.items())
    return f"{sum(spent.values()) - spent.get(CLIENT, 0.0):.0f} ({parts})"


async def _singles(uploader: Uploader, addresses: dict[str, Any], count: int) -> None:
    url = addresses["notifier"].replace("http", "ws", 1) + "/api/v1/ws/progress"
    async with websockets.connect(url, compression=None, proxy=None) as socket:
        await socket.send(json.dumps({"type": "connect", "token": addresses["token"]}))
        times = []
        for _ in range(count):
            times.append(await single(uploader, socket))
            await asyncio.sleep(0.1)
    ordered = sorted(times)
    p95 = ordered[int(len(ordered) * 0.95)]
    print(
        f"single on an idle system: 202 to completed p50 {statistics.median(times):.0f} ms, "
        f"p95 {p95:.0f} ms (min {ordered[0]:.0f}, max {ordered[-1]:.0f}, {count} documents)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.small_documents", description=__doc__)
    parser.add_argument("--documents", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--singles", type=int, default=60)
    options = parser.parse_args()
    with stack() as addresses:
        asyncio.run(measure(addresses, options))


if __name__ == "__main__":
    main()
