"""One large upload through ingest against a direct multipart put into the same store.

    python -m bench.upload [--mib 1024] [--rounds 3]

Rounds alternate, so that what else the machine does hits all alike. Direct means twice:
`put_object` of the SDK as anybody uses it, and our own adapter, which is faster because it signs
no payload. Client, ingest and store share the machine. DOCYARD_TEST_SERVERS names servers that
run already.
"""

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
from bench.ingest_process import MIB, PART_BYTES, Content, Ingest, Round
from minio import Minio
from psycopg import sql
from pydantic import SecretStr

from docyard_common.settings import ObjectStoreSettings
from docyard_common.storage import MinioObjectStore
from docyard_stack.servers import Servers


def by_sdk(settings: ObjectStoreSettings, size: int) -> Round:
    """Put as the SDK's documentation says: parts of 8 MiB, three at once."""
    client = Minio(
        endpoint=settings.endpoint,
        access_key=settings.access_key,
        secret_key=settings.secret_key.get_secret_value(),
        secure=settings.secure,
        region=settings.region,
    )
    started = time.perf_counter()
    client.put_object(
        bucket_name=settings.bucket,
        object_name="bench",
        data=Content(size),  # type: ignore[arg-type]
        length=size,
        part_size=PART_BYTES,
        num_parallel_uploads=3,
    )
    seconds = time.perf_counter() - started
    client.remove_object(bucket_name=settings.bucket, object_name="bench")
    return Round(seconds)


def by_adapter(settings: ObjectStoreSettings, size: int) -> Round:
    """Put by our own adapter, three parts at once: nothing between the bytes and the store."""

    async def put() -> float:
        store = MinioObjectStore(settings)
        content = Content(size)
        slots = asyncio.Semaphore(3)
        parts: list[asyncio.Task[str]] = []
        started = time.perf_counter()
        upload_id = await store.start_multipart("bench", content_type="application/pdf")

        async def put_part(number: int, data: bytes) -> str:
            try:
                return await store.put_part("bench", upload_id, number, data)
            finally:
                slots.release()

        while data := content.read():
            await slots.acquire()
            parts.append(asyncio.create_task(put_part(len(parts) + 1, data)))
        etags = await asyncio.gather(*parts)
        await store.complete_multipart("bench", upload_id, list(enumerate(etags, start=1)))
        seconds = time.perf_counter() - started
        await store.delete("bench")
        store.close()
        return seconds

    return Round(asyncio.run(put()))


def report(size: int, rounds: dict[str, list[Round]]) -> None:
    """Print rates with their spread, ratios, and what ingest spent."""
    mib = size / MIB
    rates = {name: [mib / r.seconds for r in found] for name, found in rounds.items()}
    for name, found in rates.items():
        shown = " ".join(f"{rate:6.1f}" for rate in found)
        print(f"{name:10} median {statistics.median(found):6.1f} MiB/s   rounds {shown}")
    for direct in ("sdk", "adapter"):
        ratios = [i / d for i, d in zip(rates["ingest"], rates[direct], strict=True)]
        print(
            f"ingest / {direct:8} {statistics.median(ratios):.2f}"
            f"   from {min(ratios):.2f} to {max(ratios):.2f}"
        )
    spent = rounds["ingest"]
    per_gib = [r.cpu_s / (mib / 1024) for r in spent]
    print(f"ingest CPU {statistics.median(per_gib):.2f} s a GiB")
    print(f"ingest peak memory {max(r.peak_mib for r in spent):.0f} MiB")
    print(f"written to files by ingest {max(r.written_mib for r in spent):.2f} MiB, temp files: 0")


@contextlib.contextmanager
def servers(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the addresses of servers: those that run, or some of our own."""
    shared = os.environ.get("DOCYARD_TEST_SERVERS")
    if shared:
        address = json.loads(Path(shared).read_text())
        database = f"bench_{os.getpid()}"
        with psycopg.connect(address["database_url"], autocommit=True) as admin:
            admin.execute(sql.SQL("create database {}").format(sql.Identifier(database)))
            url = address["database_url"].rpartition("/")[0] + f"/{database}"
            yield address | {"database_url": url}
            drop = sql.SQL("drop database {} with (force)")
            admin.execute(drop.format(sql.Identifier(database)))
        return
    with Servers(folder) as own:
        yield {
            "kafka": own.kafka,
            "database_url": own.database_url,
            "object_store": dict(own.object_store),
        }


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--mib", type=int, default=1024)
    arguments.add_argument("--rounds", type=int, default=3)
    options = arguments.parse_args()
    size = options.mib * MIB
    with tempfile.TemporaryDirectory() as name, servers(Path(name) / "servers") as address:
        store = address["object_store"]
        settings = ObjectStoreSettings(
            endpoint=store["endpoint"],
            access_key=store["access_key"],
            secret_key=SecretStr(store["secret_key"]),
            bucket=f"bench-{os.getpid()}",
        )
        environment = service_environment(address, settings)
        ingest = Ingest(environment, Path(name))
        ways: dict[str, Callable[[], Round]] = {
            "ingest": lambda: ingest.upload(size),
            "sdk": lambda: by_sdk(settings, size),
            "adapter": lambda: by_adapter(settings, size),
        }
        try:
            ingest.upload(64 * MIB)
            rounds: dict[str, list[Round]] = {way: [] for way in ways}
            for _ in range(options.rounds):
                for way, run in ways.items():
                    rounds[way].append(run())
        finally:
            ingest.stop()
        report(size, rounds)


def service_environment(address: dict[str, Any], store: ObjectStoreSettings) -> dict[str, str]:
    return {
        "KAFKA__BOOTSTRAP_SERVERS": address["kafka"],
        "KAFKA__TOPIC_PREFIX": store.bucket,
        "KAFKA__PARTITIONS": "1",
        "DATABASE__URL": address["database_url"],
        "OBJECT_STORE__ENDPOINT": store.endpoint,
        "OBJECT_STORE__ACCESS_KEY": store.access_key,
        "OBJECT_STORE__SECRET_KEY": store.secret_key.get_secret_value(),
        "OBJECT_STORE__BUCKET": store.bucket,
    }


if __name__ == "__main__":
    main()
