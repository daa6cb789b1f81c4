"""Carries outbox rows to Kafka: in order, at least once, by whichever replica owns the shard.

A relay owns a shard while one connection of its own holds the shard's advisory lock, and it reads
and deletes through that same connection: a relay that lost its lock can not delete. One that hangs
for twenty seconds is unseated by the others; what it had in hand is published again.
What a kill -9 does: rows published and not yet deleted are published again by the next owner.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

import psycopg
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from psycopg.rows import dict_row

from docyard_common.database.pool import Transaction, connection_arguments, translated
from docyard_common.errors import DependencyUnavailableError
from docyard_common.kafka.patient import gathering_s
from docyard_common.kafka.producer import reliable_producer
from docyard_common.observability import metrics
from docyard_common.outbox.notified import notified
from docyard_common.outbox.schema import SHARDS, channel
from docyard_common.outbox.stopped import UNSENDABLE, StoppedShards
from docyard_common.settings import DatabaseSettings, KafkaSettings

logger = logging.getLogger(__name__)

_BATCH = 200
"""Rows published before their acks are awaited: bounds what a crash publishes twice."""
_IDLE_S = 1.0
"""Longest wait for a NOTIFY; also how often what was heard is taken while rows never run out."""
_STUCK_S = 20
"""A relay that has not asked the database anything for this long has lost its shards."""
_FIRST_PAUSE_S, _LAST_PAUSE_S = 0.2, 5.0
Refused: TypeAlias = dict[int, BaseException]
"""Shards in which a row was refused, and why the first one was."""

_LOCK = "select s as shard from unnest(%s::int[]) s where pg_try_advisory_lock(hashtext(%s), s)"
# A process that hangs keeps its connection, and with it the locks: end the connection for it. A
# relay that works asks something at least every ten seconds, also while Kafka does not answer.
_UNSEAT = """
select pg_terminate_backend(activity.pid)
from pg_locks locks join pg_stat_activity activity on activity.pid = locks.pid
where locks.locktype = 'advisory' and locks.objsubid = 2
    and locks.classid::bigint = hashtext(%s)::bigint & 4294967295 and locks.granted
    and activity.datname = current_database() and activity.pid <> pg_backend_pid()
    and activity.state_change < now() - %s * interval '1 second'
"""
_READ = "select * from outbox where shard = any(%s) order by id limit %s"
_DELETE = "delete from outbox where id = any(%s)"


class RecordRefusedError(Exception):
    """Kafka has not taken a record; the producer that sent it is of no more use."""


class Relay:
    """One relay of one service; start it in every replica."""

    def __init__(
        self, *, database: DatabaseSettings, schema: str, kafka: KafkaSettings, client_id: str
    ) -> None:
        self._connect = connection_arguments(database, schema=schema, name=f"{client_id}-relay")
        self._schema = schema
        self._kafka = kafka
        self._client_id = f"{client_id}-relay"
        self._stopped = StoppedShards()

    async def run(self) -> None:
        """Publish until cancelled; waits out a database or broker that is away."""
        pause = _FIRST_PAUSE_S
        while True:
            began = time.monotonic()
            try:
                await self._session()
            except RecordRefusedError:
                pause = _FIRST_PAUSE_S  # Kafka answers, and the shard waits by itself
                await asyncio.sleep(pause)
            except (DependencyUnavailableError, KafkaError, OSError) as error:
                if time.monotonic() - began > _LAST_PAUSE_S:
                    pause = _FIRST_PAUSE_S
                logger.warning("outbox.waiting", extra={"error": str(error), "pause_s": pause})
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LAST_PAUSE_S)

    async def _session(self) -> None:
        """Work with one connection and one producer until either of them fails."""
        with translated():
            async with contextlib.AsyncExitStack() as stack:
                connection = await psycopg.AsyncConnection.connect(
                    **self._connect, autocommit=True, row_factory=dict_row
                )
                await stack.enter_async_context(connection)
                await connection.execute(f"listen {channel(self._schema)}")
                producer = reliable_producer(self._kafka, client_id=self._client_id)
                stack.push_async_callback(_stop, producer)
                await producer.start()
                await self._drain_forever(connection, producer)

    async def _drain_forever(self, connection: Transaction, producer: AIOKafkaProducer) -> None:
        owned: list[int] = []
        self._stopped.begin()
        heard_at = time.monotonic()
        while True:
            owned += await self._take_shards(connection, owned)
            cursor = await connection.execute(_READ, (self._stopped.live(owned), _BATCH))
            rows = await cursor.fetchall()
            if not rows or time.monotonic() > heard_at + _IDLE_S:
                # Also where rows never run out: what was heard is kept in memory.
                await notified(connection, within_s=0 if rows else _IDLE_S)
                heard_at = time.monotonic()
            if rows:
                await self._carry(connection, producer, rows)

    async def _carry(
        self, connection: Transaction, producer: AIOKafkaProducer, rows: Sequence[dict[str, Any]]
    ) -> None:
        """Publish *rows* and delete those that are acknowledged.

        Raises RecordRefusedError when Kafka has refused one: an idempotent producer has counted
        it, and all that follows in that partition would be out of order.
        """
        done, refused = await self._publish(producer, rows)
        await asyncio.sleep(gathering_s({row["key"] for row in rows}))
        await connection.execute(_DELETE, (done,))
        self._stopped.stop(refused)
        for why in refused.values():
            if isinstance(why, KafkaError):
                raise RecordRefusedError from why

    async def _take_shards(self, connection: Transaction, owned: Sequence[int]) -> list[int]:
        """Lock the shards that nobody owns; a lock lasts as long as the connection."""
        free = [shard for shard in range(SHARDS) if shard not in owned]
        if not free:
            return []
        cursor = await connection.execute(_LOCK, (free, channel(self._schema)))
        taken = [row["shard"] for row in await cursor.fetchall()]
        if len(taken) < len(free):
            await connection.execute(_UNSEAT, (channel(self._schema), _STUCK_S))
        return taken

    async def _publish(
        self, producer: AIOKafkaProducer, rows: Sequence[dict[str, Any]]
    ) -> tuple[list[int], Refused]:
        """Return the ids that are acknowledged, and the shards in which one was not."""
        unsent: Refused = {}
        sent = await self._send_all(producer, rows, unsent)
        if sent:
            await asyncio.wait([ack for _, ack in sent])
        now = datetime.now(UTC)
        # Apart from the others: what was sent before a row that can not be is in order, and done.
        refused: Refused = {}
        done: list[int] = []
        for row, ack in sent:
            if (refusal := ack.exception()) is not None:
                self._refuse(row, refusal, refused)
            elif row["shard"] not in refused:
                done.append(row["id"])
                metrics.PUBLISHED.labels(row["topic"]).inc()
                metrics.PUBLISH_LATENCY.observe(max(0.0, (now - row["created_at"]).total_seconds()))
        return done, unsent | refused

    async def _send_all(
        self, producer: AIOKafkaProducer, rows: Sequence[dict[str, Any]], unsent: Refused
    ) -> list[tuple[dict[str, Any], asyncio.Future[Any]]]:
        """Hand over *rows* in order; in a shard nothing follows one that can not be sent."""
        sent = []
        for row in rows:
            if row["shard"] in unsent:
                continue
            try:
                sent.append((row, await self._send(producer, row)))
            except (KafkaError, *UNSENDABLE) as error:
                self._refuse(row, error, unsent)
        return sent

    async def _send(self, producer: AIOKafkaProducer, row: dict[str, Any]) -> asyncio.Future[Any]:
        names = [name.decode() for name in row["header_names"]]
        headers = list(zip(names, row["header_values"], strict=True))
        topic = f"{self._kafka.topic_prefix}.{row['topic']}"
        key, value = row["key"], row["value"]
        if key is None and value is None:
            key = b""  # Kafka takes a record with neither, its client does not
        sent: asyncio.Future[Any] = await producer.send(topic, value, key, headers=headers)
        return sent

    def _refuse(self, row: dict[str, Any], error: BaseException, refused: Refused) -> None:
        # What follows in this shard waits: publishing it now would overtake the refused row.
        refused.setdefault(row["shard"], error)
        metrics.PRODUCER_ERRORS.labels(row["topic"]).inc()
        logger.error(
            "outbox.refused",
            extra={"outbox_id": row["id"], "topic": row["topic"], "error": repr(error)},
        )


async def _stop(producer: AIOKafkaProducer) -> None:
    with contextlib.suppress(KafkaError, asyncio.TimeoutError):
        async with asyncio.timeout(_LAST_PAUSE_S):
            await producer.stop()
