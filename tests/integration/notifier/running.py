"""A notifier in a process of its own, clients for it, and the Kafka it listens to."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from tests.waiting import eventually
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from docyard_common.auth import mint
from docyard_common.events import topics
from docyard_common.events.codec import decode, encode
from docyard_common.events.documents import DocumentProgressed
from docyard_common.events.envelope import DocumentEvent, Event
from docyard_common.settings import DatabaseSettings, KafkaSettings

SECRET = "a secret of thirty-two bytes, made up"
PATIENCE_S = 60.0


def token(subject: str, *, ttl_s: float = 600.0, role: str = "user") -> str:
    return mint(SECRET, subject=subject, roles=(role,), ttl_s=ttl_s)


class Notifier:
    """`python -m notifier`, started, watched and ended by a test."""

    def __init__(
        self, kafka: KafkaSettings, database: DatabaseSettings, **environment: str
    ) -> None:
        self._environment = {
            **os.environ,
            "KAFKA__BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
            "KAFKA__TOPIC_PREFIX": kafka.topic_prefix,
            "KAFKA__PARTITIONS": str(kafka.partitions),
            "KAFKA__SESSION_TIMEOUT_MS": str(kafka.session_timeout_ms),
            "KAFKA__HEARTBEAT_INTERVAL_MS": str(kafka.heartbeat_interval_ms),
            "DATABASE__URL": database.url.get_secret_value(),
            "AUTH__SECRET": SECRET,
            **environment,
        }
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self.log: list[dict[str, Any]] = []
        self.port = 0

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self._clear_away()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._clear_away()

    async def _clear_away(self) -> None:
        if self._process and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        if self._reading:
            await self._reading

    async def start(self) -> None:
        """Start it and wait until its feed and its projection run."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "notifier",
            env=self._environment, stdout=asyncio.subprocess.PIPE, limit=2**20,
        )  # fmt: skip
        self._reading = asyncio.create_task(self._read(self._process))
        await eventually(self._is_ready)

    async def kill(self) -> None:
        await self._end(signal.SIGKILL)

    async def terminate(self) -> int:
        return await self._end(signal.SIGTERM)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def socket(self, query: str = "", **options: Any) -> connect:
        address = f"ws://127.0.0.1:{self.port}/api/v1/ws/progress{query}"
        return connect(address, proxy=None, compression=None, **options)

    async def _end(self, number: signal.Signals) -> int:
        assert self._process
        assert self._reading
        self._process.send_signal(number)
        code = await self._process.wait()
        await self._reading
        self.port = 0
        return code

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout
        async for line in process.stdout:
            entry = json.loads(line)
            self.log.append(entry)
            if entry["event"] == "http.listening":
                self.port = entry["port"]

    async def _is_ready(self) -> bool:
        assert self._process
        assert self._process.returncode is None, self.log
        if not self.port:
            return False
        async with httpx.AsyncClient() as client:
            try:
                health = (await client.get(f"{self.url}/health")).json()
            except httpx.HTTPError:
                return False
        return bool(health["status"] == "ok")


class Client:
    """One WebSocket client that speaks Docyard."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def say(self, kind: str, **fields: Any) -> None:
        await self.socket.send(json.dumps({"type": kind, **fields}))

    async def hear(self) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE_S):
            message: dict[str, Any] = json.loads(await self.socket.recv())
        return message

    async def ask(self, kind: str, **fields: Any) -> dict[str, Any]:
        await self.say(kind, **fields)
        return await self.hear()

    async def close_code(self) -> int:
        """Read until the server closes, and return its code."""
        with contextlib.suppress(ConnectionClosed):
            async with asyncio.timeout(PATIENCE_S):
                async for _ in self.socket:
                    pass
        assert self.socket.close_code is not None
        return self.socket.close_code

    async def until(self, state: str) -> list[dict[str, Any]]:
        """Return every progress message up to the one that shows *state*."""
        heard: list[dict[str, Any]] = []
        while not heard or heard[-1]["data"]["state"] != state:
            heard.append(await self.hear())
        return heard


@asynccontextmanager
async def client(notifier: Notifier, subject: str) -> AsyncIterator[Client]:
    async with notifier.socket() as socket:
        one = Client(socket)
        assert (await one.ask("connect", token=token(subject)))["type"] == "connected"
        yield one


async def delete_topics(settings: KafkaSettings) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.servers)
    await admin.start()
    try:
        await admin.delete_topics(
            [n for n in await admin.list_topics() if n.startswith(settings.topic_prefix)]
        )
    finally:
        await admin.close()


async def first_event(settings: KafkaSettings, topic: str, *, key: str) -> Event:
    """Return the first event of *topic* with that key, waiting for it."""
    name = f"{settings.topic_prefix}.{topic}"
    async with (
        asyncio.timeout(PATIENCE_S),
        AIOKafkaConsumer(
            name, bootstrap_servers=settings.servers, auto_offset_reset="earliest"
        ) as consumer,
    ):
        record = await consumer.getone()
        while record.key != key.encode():
            record = await consumer.getone()
    return decode(record.value, record.headers)


class Publisher:
    """Writes events to Kafka as the services do."""

    def __init__(self, settings: KafkaSettings, producer: AIOKafkaProducer) -> None:
        self._settings = settings
        self._producer = producer

    async def publish(self, *events: DocumentEvent) -> None:
        """Return once Kafka has acknowledged all *events*, in their order per topic."""
        acks = [await self._send(event) for event in events]
        await asyncio.gather(*acks)

    async def garbage(self) -> None:
        """Put a record that nobody can decode into the topic of facts."""
        name = f"{self._settings.topic_prefix}.{topics.EVENTS}"
        await self._producer.send_and_wait(name, b"{", b"k", headers=[("ce_type", b"\xff")])

    async def _send(self, event: DocumentEvent) -> asyncio.Future[Any]:
        progress = isinstance(event, DocumentProgressed)
        record = encode(event, topic=topics.PROGRESS if progress else topics.EVENTS, source="test")
        name = f"{self._settings.topic_prefix}.{record.topic}"
        sent: asyncio.Future[Any] = await self._producer.send(
            name, record.value, record.key, headers=list(record.headers)
        )
        return sent
