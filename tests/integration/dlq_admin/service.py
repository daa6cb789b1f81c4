"""The service as a process of its own, and the Kafka around it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from aiokafka import AIOKafkaConsumer
from tests.waiting import eventually

from docyard_common.auth import mint
from docyard_common.kafka.producer import reliable_producer
from docyard_common.kafka.received import ReceivedRecord, received
from docyard_common.settings import DatabaseSettings, KafkaSettings

SECRET = "s" * 32
OPERATOR = {"Authorization": f"Bearer {mint(SECRET, subject='oscar', roles=('operator',))}"}


class Service:
    """`python -m dlq_admin`, its log in a file."""

    def __init__(self, log: Path, kafka: KafkaSettings, database: DatabaseSettings) -> None:
        self._log = log
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "dlq_admin"],
                env=os.environ | _environment(kafka, database),
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    @asynccontextmanager
    async def ready(self) -> AsyncIterator[httpx.AsyncClient]:
        """Wait until the service is ready; give a client that calls it as an operator."""
        await eventually(self._port)
        base = f"http://127.0.0.1:{self._port()}"
        async with httpx.AsyncClient(base_url=base, headers=OPERATOR, timeout=20) as client:

            async def is_ready() -> bool:
                assert self.process.poll() is None, self._log.read_text()[-3000:]
                try:
                    return (await client.get("/health/ready")).status_code == 200
                except httpx.TransportError:
                    return False

            await eventually(is_ready)
            yield client

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(timeout=20)

    def _port(self) -> int | None:
        assert self.process.poll() is None, self._log.read_text()[-3000:]
        for line in self._log.read_text().splitlines():
            if '"http.listening"' in line:
                return int(json.loads(line)["port"])
        return None


async def put(kafka: KafkaSettings, *records: ReceivedRecord) -> None:
    producer = reliable_producer(kafka, client_id="test")
    await producer.start()
    try:
        for record in records:
            topic = f"{kafka.topic_prefix}.{record.topic}"
            headers = [(name, value) for name, value in record.headers]
            await producer.send_and_wait(topic, record.value, record.key, headers=headers)
    finally:
        await producer.stop()


async def take(kafka: KafkaSettings, topic: str, count: int) -> list[ReceivedRecord]:
    """The first records of *topic*, until *count* different keys are there."""
    consumer = AIOKafkaConsumer(
        f"{kafka.topic_prefix}.{topic}",
        bootstrap_servers=kafka.servers,
        group_id=None,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    found: list[ReceivedRecord] = []

    async def enough() -> bool:
        for batch in (await consumer.getmany(timeout_ms=200)).values():
            found.extend(received(record, kafka.topic_prefix) for record in batch)
        return len({record.key for record in found}) >= count

    try:
        await eventually(enough)
    finally:
        await consumer.stop()
    return found


def _environment(kafka: KafkaSettings, database: DatabaseSettings) -> dict[str, str]:
    values: dict[str, Any] = {
        "KAFKA__BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "KAFKA__TOPIC_PREFIX": kafka.topic_prefix,
        "KAFKA__PARTITIONS": kafka.partitions,
        "KAFKA__SESSION_TIMEOUT_MS": kafka.session_timeout_ms,
        "KAFKA__HEARTBEAT_INTERVAL_MS": kafka.heartbeat_interval_ms,
        "DATABASE__URL": database.url.get_secret_value(),
        "AUTH__SECRET": SECRET,
    }
    return {name: str(value) for name, value in values.items()}
