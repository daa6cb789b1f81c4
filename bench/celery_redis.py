"""The same documents through Docyard and through a Celery + Redis worker, in turns.

    python -m bench.celery_redis [--documents 300] [--rounds 3] [--mixed]

They are small texts, or of all kinds that stand alone (`bench.mixture`), written beforehand.
Celery does the same library work on the same PostgreSQL and object store (`bench.celery_worker`
says how, and what it leaves out), with one worker process a core. Its client stores the file and
sends the chain; Docyard's uploads by HTTP. A burst ends when the last document can be searched. A
time is that of one document of a burst: from the moment when it began to be sent to the beginning
of the transaction that made it searchable. Peak memory is that of all processes that are a side's
own, together; PostgreSQL and the object store serve both. It is watched in a burst of its own,
which is left out of the times: watching costs processor time.
Celery and Redis are installed into `.peers/` by the first run; where that fails, this says so and
measures nothing.
"""

import argparse
import asyncio
import contextlib
import hashlib
import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
from bench import peers
from bench.documents import PeakMemory, ranks, tree_bytes
from bench.embedded import CHILDREN, CpuMeter, milliseconds_each, stack
from bench.mixture import Mixture
from bench.small_documents import CONNECTIONS, Document, Uploader, shown, small_text
from minio import Minio

from docyard_stack.ports import free_ports

BUCKET = "celery-bench"
DOCYARD_PARTS = ("ingest", "processor", "notifier", "dlq-admin", "kafka")
DOCYARD_ONLY = (*DOCYARD_PARTS, CHILDREN)
CELERY_ONLY = ("worker", "redis")
_WARM = 40

Numbered = Callable[[int], Document]


class CeleryPeer:
    """A Redis, a worker, and a client that sends documents to it."""

    def __init__(
        self, addresses: dict[str, Any], environment: dict[str, str], document: Numbered
    ) -> None:
        self._document = document
        self._database = psycopg.connect(addresses["database"], autocommit=True)
        address = addresses["object_store"]
        self._store = Minio(
            endpoint=address["endpoint"],
            access_key=address["access_key"],
            secret_key=address["secret_key"],
            secure=False,
            region="us-east-1",
        )
        if not self._store.bucket_exists(bucket_name=BUCKET):
            self._store.make_bucket(bucket_name=BUCKET)
        self._sender = subprocess.Popen(
            [sys.executable, "-c", "from bench.celery_send import send; send()"],
            stdin=subprocess.PIPE,
            env=environment,
            text=True,
        )
        self._number = 0
        self.sent: dict[str, float] = {}

    def burst(self, documents: int) -> float:
        """Return the seconds from the first document to the moment the last is searchable."""
        before = self._indexed()
        began = time.perf_counter()
        for _ in range(documents):
            self._upload()
        while self._indexed() < before + documents:
            time.sleep(0.1)
        return time.perf_counter() - began

    def times(self, sent: Mapping[str, float]) -> list[float]:
        """Return the seconds of each document that was *sent*, by either side."""
        query = """
        select document_id::text, extract(epoch from indexed_at)::float8 from search.documents
        where document_id = any(%s::uuid[])
        """
        rows = self._database.execute(query, [list(sent)]).fetchall()
        if len(rows) != len(sent):
            raise RuntimeError(f"{len(sent)} documents were sent, and {len(rows)} are indexed")
        return [at - sent[document_id] for document_id, at in rows]

    def close(self) -> None:
        assert self._sender.stdin is not None
        self._sender.stdin.close()
        self._sender.wait()
        self._database.close()

    def _upload(self) -> None:
        self._number += 1
        name, data = self._document(self._number)
        key = str(uuid4())
        self.sent[key] = time.time()
        self._store.put_object(BUCKET, key, io.BytesIO(data), len(data))
        digest = hashlib.sha256(data).hexdigest()
        assert self._sender.stdin is not None
        print(key, name, len(data), digest, file=self._sender.stdin, flush=True)

    def _indexed(self) -> int:
        query = "select count(*) from search.documents where owner = 'celery'"
        row = self._database.execute(query).fetchone()
        return int(row[0]) if row else 0


@contextlib.contextmanager
def running(addresses: dict[str, Any], meter: CpuMeter, document: Numbered) -> Iterator[CeleryPeer]:
    """Yield the peer, with its Redis and its worker running."""
    program = str(peers.redis())
    (port,) = free_ports(1)
    environment = _environment(addresses, port)
    with tempfile.TemporaryDirectory() as folder:
        options = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", folder]
        redis = _start([program, *options], dict(os.environ), folder, "redis")
        worker = _start(
            [sys.executable, "-m", "celery", "-A", "bench.celery_worker", "worker", "-c", "2"],
            environment,
            folder,
            "worker",
        )
        meter.add("redis", redis.pid)
        meter.add("worker", worker.pid)
        peer = CeleryPeer(addresses, environment, document)
        try:
            yield peer
        finally:
            peer.close()
            for process in (worker, redis):
                process.terminate()
                process.wait(30)


def _environment(addresses: dict[str, Any], port: int) -> dict[str, str]:
    address = addresses["object_store"]
    path = os.pathsep.join([str(peers.celery()), str(peers.REPOSITORY)])
    return os.environ | {
        "PYTHONPATH": path,
        "BENCH_REDIS": f"redis://127.0.0.1:{port}/0",
        "BENCH_DATABASE": addresses["database"],
        "BENCH_BUCKET": BUCKET,
        "BENCH_ENDPOINT": address["endpoint"],
        "BENCH_ACCESS_KEY": address["access_key"],
        "BENCH_SECRET_KEY": address["secret_key"],
    }


def _start(
    command: Sequence[str], environment: dict[str, str], folder: str, name: str
) -> subprocess.Popen[bytes]:
    with Path(folder, f"{name}.log").open("wb") as log:
        return subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)


async def measure(addresses: dict[str, Any], options: argparse.Namespace) -> None:
    headers = {"Authorization": f"Bearer {addresses['token']}"}
    limits = httpx.Limits(max_connections=CONNECTIONS)
    meter = CpuMeter(addresses["data"])
    count = _WARM + options.documents * (1 + options.rounds)
    document = _mixed(count) if options.mixed else small_text
    async with httpx.AsyncClient(
        base_url=addresses["ingest"], headers=headers, limits=limits, timeout=60, trust_env=False
    ) as client:
        with running(addresses, meter, document) as peer:
            await compare(Uploader(client, document), peer, meter, options)


def _mixed(count: int) -> Numbered:
    """Write *count* documents, so that no burst waits for them."""
    mixture = Mixture(alone=True)
    with tempfile.TemporaryDirectory() as folder:
        paths = [mixture.write(Path(folder), number).path for number in range(count)]
        written = [(path.name, path.read_bytes()) for path in paths]
    return lambda number: written[number - 1]


@dataclass
class Side:
    """One of the two, and what it did over all rounds."""

    burst: Callable[[int], Awaitable[float]]
    sent: dict[str, float]
    resident_bytes: Callable[[], int]
    others: Collection[str]  # parts that are the other side's
    rates: list[float] = field(default_factory=list)  # documents a second of each round
    spent: list[dict[str, float]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    peak: PeakMemory = field(default_factory=PeakMemory)


async def compare(
    uploader: Uploader, peer: CeleryPeer, meter: CpuMeter, options: argparse.Namespace
) -> None:
    async def send(documents: int) -> float:
        return await asyncio.to_thread(peer.burst, documents)

    def together(parts: Iterable[str]) -> Callable[[], int]:
        processes = [meter.part(name) for name in parts]
        return lambda: sum(map(tree_bytes, processes))

    sides = {
        "docyard": Side(uploader.burst, uploader.sent, together(DOCYARD_PARTS), CELERY_ONLY),
        "celery": Side(send, peer.sent, together(CELERY_ONLY), DOCYARD_ONLY),
    }
    for side in sides.values():
        await side.burst(_WARM)
    for side in sides.values():
        with side.peak.watching(side.resident_bytes):
            await side.burst(options.documents)
        side.sent.clear()
    for _ in range(options.rounds):
        for side in sides.values():
            before = meter.read()
            side.rates.append(options.documents / await side.burst(options.documents))
            side.spent.append(milliseconds_each(before, meter.read(), options.documents))
    for side in sides.values():
        side.times = peer.times(side.sent)
    report(sides)


def report(sides: Mapping[str, Side]) -> None:
    for name, side in sides.items():
        each = {
            part: statistics.median(round_[part] for round_ in side.spent)
            for part in side.spent[0]
            if part not in side.others
        }
        print(
            f"{name}: documents per second median {statistics.median(side.rates):.1f} "
            f"(min {min(side.rates):.1f}, max {max(side.rates):.1f}); CPU milliseconds a document "
            f"{shown(each)}; {ranks(side.times)} a document; {side.peak}"
        )
    rates = zip(sides["docyard"].rates, sides["celery"].rates, strict=True)
    ratios = [docyard / celery for docyard, celery in rates]
    print(
        f"docyard / celery {statistics.median(ratios):.2f} "
        f"(min {min(ratios):.2f}, max {max(ratios):.2f})"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.celery_redis", description=__doc__)
    parser.add_argument("--documents", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--mixed", action="store_true")
    options = parser.parse_args()
    try:
        peers.celery()
        peers.redis()
    except peers.PeerMissingError as error:
        print(f"skipped: {error}")
        return
    with stack() as addresses:
        asyncio.run(measure(addresses, options))


if __name__ == "__main__":
    main()
