"""Records per second through intake, against a bare aiokafka loop with the same insert.

    python -m bench.intake [--records 4000] [--rounds 3]

Both read the same records from the same topic with a group of their own and write them to a table
of their own; rounds alternate. The bare loop polls, inserts a batch in one transaction, commits the
offsets, and does nothing else: no locks, no deduplication, no decoding.
Set DOCYARD_TEST_SERVERS to use servers that run already.
"""

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from aiokafka import AIOKafkaConsumer
from pydantic import SecretStr

import processor
from docyard_common.database import Database, migrate
from docyard_common.delivery.memory import Estimates
from docyard_common.events import codec, topics
from docyard_common.events.stages import Priority, Stage
from docyard_common.events.topics import Topic
from docyard_common.events.work import StageRequested
from docyard_common.ids import uuid7
from docyard_common.kafka.admin import ensure_topics
from docyard_common.kafka.consumer import BatchConsumer
from docyard_common.kafka.producer import reliable_producer
from docyard_common.outbox import Outbox
from docyard_common.settings import DatabaseSettings, KafkaSettings
from docyard_stack.servers import Servers
from processor.intake import Intake
from processor.settings import SlotSettings

STAGE, LANE = Stage.VALIDATE, Priority.NORMAL
BATCH = 200
MIGRATIONS = Path(processor.__file__).parent / "migrations"
BARE = """
create table bare (id uuid primary key, stage text, lane text, owner text, topic text,
    partition int, "offset" bigint, key bytea, value bytea, names text[], header_values bytea[])
"""
INSERT = "insert into bare values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %b, %b)"


@contextmanager
def addresses() -> Iterator[dict[str, Any]]:
    if shared := os.environ.get("DOCYARD_TEST_SERVERS"):
        yield json.loads(Path(shared).read_text())
        return
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        with Servers(Path(folder) / "servers") as servers:
            yield dict(servers.addresses)


def request() -> StageRequested:
    return StageRequested(
        document_id=uuid7(),
        owner="bench",
        generation=1,
        seq=0,
        stage=STAGE,
        priority=LANE,
        filename="note.txt",
        content_type="text/plain",
        size_bytes=100,
        sha256="0" * 64,
        object_key="documents/x/original",
        accepted_at=datetime.now(UTC),
    )


async def produce(kafka: KafkaSettings, records: int) -> None:
    await ensure_topics(kafka, [Topic(topics.work(STAGE, LANE), 3_600_000)])
    producer = reliable_producer(kafka, client_id="bench")
    await producer.start()
    name = f"{kafka.topic_prefix}.{topics.work(STAGE, LANE)}"
    for _ in range(records):
        record = codec.encode(request(), topic=topics.work(STAGE, LANE), source="bench")
        await producer.send(name, record.value, record.key, headers=list(record.headers))
    await producer.stop()


class Bench:
    """The two sides over one topic and one database."""

    def __init__(self, kafka: KafkaSettings, url: str, records: int) -> None:
        self._kafka = kafka
        self._url = url
        self._records = records
        settings = DatabaseSettings(url=SecretStr(url))
        self._database = Database(settings, schema="processor", application_name="bench")

    async def open(self) -> None:
        settings = DatabaseSettings(url=SecretStr(self._url))
        await migrate(settings, schema="processor", locations=MIGRATIONS)
        await self._database.open()
        async with self._database.transaction() as tx:
            await tx.execute(BARE)

    async def close(self) -> None:
        await self._database.close()

    async def intake(self) -> float:
        """Return records per second through the product's own intake."""
        await self._empty("work")
        settings = SlotSettings(work_waiting_max=10 * self._records)
        intake = Intake(
            STAGE,
            LANE,
            database=self._database,
            outbox=Outbox(source="bench"),
            settings=settings,
            estimates=Estimates(limit_bytes=2**31),
        )
        consumer = BatchConsumer(self._kafka, client_id="bench")
        timer = Timer(self._records)

        async def apply(records: Any) -> None:
            timer.begin()
            await intake.apply(records)
            timer.add(len(records))

        consumer.subscribe(
            topics.work(STAGE, LANE), group=uuid4().hex, apply=apply, max_records=BATCH
        )
        await consumer.start()
        rate = await timer.rate()
        await consumer.stop()
        return rate

    async def bare(self) -> float:
        """Return records per second through the bare loop."""
        await self._empty("bare")
        consumer = AIOKafkaConsumer(
            f"{self._kafka.topic_prefix}.{topics.work(STAGE, LANE)}",
            bootstrap_servers=self._kafka.servers,
            group_id=uuid4().hex,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
        )
        await consumer.start()
        timer = Timer(self._records)
        while not timer.done.is_set():
            found = await consumer.getmany(timeout_ms=200, max_records=BATCH)
            batch = [record for records in found.values() for record in records]
            if not batch:
                continue
            timer.begin()
            async with self._database.transaction() as tx, tx.cursor() as cursor:
                await cursor.executemany(INSERT, [_row(record) for record in batch])
            await consumer.commit()
            timer.add(len(batch))
        await consumer.stop()
        return await timer.rate()

    async def _empty(self, table: str) -> None:
        async with self._database.transaction() as tx:
            await tx.execute(f"truncate {table}")


class Timer:
    """From the first record in hand to the last one applied; joining the group is not counted."""

    def __init__(self, records: int) -> None:
        self._records = records
        self._left = records
        self._began = 0.0
        self._ended = 0.0
        self.done = asyncio.Event()

    def begin(self) -> None:
        self._began = self._began or time.perf_counter()

    def add(self, records: int) -> None:
        self._left -= records
        if self._left <= 0:
            self._ended = time.perf_counter()
            self.done.set()

    async def rate(self) -> float:
        await self.done.wait()
        return self._records / (self._ended - self._began)


def _row(record: Any) -> tuple[object, ...]:
    names = [name for name, _ in record.headers]
    values = [value for _, value in record.headers]
    place = (record.topic, record.partition, record.offset, record.key, record.value)
    return (record.key.decode(), STAGE, LANE, "bench", *place, names, values)


async def run(servers: dict[str, Any], options: argparse.Namespace) -> None:
    database = f"b_{uuid4().hex[:10]}"
    with psycopg.connect(servers["database_url"], autocommit=True) as admin:
        admin.execute(f"create database {database}")
    kafka = KafkaSettings(
        bootstrap_servers=servers["kafka"], topic_prefix=f"b-{uuid4().hex[:10]}", partitions=4
    )
    await produce(kafka, options.records)
    url = servers["database_url"].rpartition("/")[0] + f"/{database}"
    bench = Bench(kafka, url, options.records)
    await bench.open()
    ours, bare = [], []
    for _ in range(options.rounds):
        ours.append(await bench.intake())
        bare.append(await bench.bare())
    await bench.close()
    for name, rates in (("intake", ours), ("bare loop", bare)):
        print(
            f"{name}: records per second median {statistics.median(rates):.0f} "
            f"(min {min(rates):.0f}, max {max(rates):.0f})"
        )
    ratios = [mine / theirs for mine, theirs in zip(ours, bare, strict=True)]
    print(
        f"ratio intake / bare: median {statistics.median(ratios):.2f} "
        f"(min {min(ratios):.2f}, max {max(ratios):.2f})"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.intake", description=__doc__)
    parser.add_argument("--records", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with addresses() as servers:
        asyncio.run(run(servers, options))


if __name__ == "__main__":
    main()
