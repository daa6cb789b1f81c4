"""Reads every record of some topics in every replica: no group, no commits, one place in the log.

For live fan-out only. Where to begin is the caller's knowledge, usually what a projection in the
database has behind it; a kill -9 therefore loses nothing, it only reads that stretch again.
"""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, TypeAlias

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError

from docyard_common.errors import DependencyUnavailableError
from docyard_common.kafka.header_names import accept_any_header_name
from docyard_common.kafka.received import ReceivedRecord, received
from docyard_common.settings import KafkaSettings

logger = logging.getLogger(__name__)

Place: TypeAlias = tuple[str, int]
"""A topic (without prefix) and a partition."""
Places: TypeAlias = Mapping[Place, int]
"""The offset of the next record to read, per place."""

_POLL_MS: Final = 1_000
_MAX_RECORDS: Final = 1_000
_SILENCE_S: Final = 30.0
_FIRST_PAUSE_S, _LAST_PAUSE_S = 0.2, 5.0


class BroadcastReader:
    """One reader of all partitions of *topics*, those that are added later included."""

    def __init__(
        self,
        settings: KafkaSettings,
        *topics: str,
        client_id: str,
        begin: Callable[[], Awaitable[Places]],
        receive: Callable[[Sequence[ReceivedRecord]], None],
        lost: Callable[[], None],
    ) -> None:
        """Arrange who is told what.

        *begin* says where to start; places that it does not name start at their first record.
        *receive* gets every record once, in the order of its partition. *lost* is called when the
        broker no longer has what comes next (retention, a recreated topic): reading goes on at the
        first record there is.
        """
        accept_any_header_name()
        self._settings = settings
        self._topics = tuple(f"{settings.topic_prefix}.{topic}" for topic in topics)
        self._client_id = client_id
        self._begin, self._receive, self._lost = begin, receive, lost
        self._next: dict[TopicPartition, int] | None = None
        self._polled_at = 0.0

    async def run(self) -> None:
        """Read until cancelled; waits out brokers and a database that are away."""
        pause = _FIRST_PAUSE_S
        while True:
            began = time.monotonic()
            try:
                await self._session()
            except (KafkaError, OSError, DependencyUnavailableError) as error:
                logger.warning("broadcast.waiting", extra={"error": repr(error), "pause_s": pause})
            if time.monotonic() - began > _SILENCE_S:
                pause = _FIRST_PAUSE_S
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - jitter only
            pause = min(pause * 2, _LAST_PAUSE_S)

    def is_alive(self) -> bool:
        """Whether a poll came back within the last half minute."""
        return time.monotonic() - self._polled_at < _SILENCE_S

    async def _session(self) -> None:
        """Read over one connection until it breaks."""
        if self._next is None:
            prefix = self._settings.topic_prefix
            begin = (await self._begin()).items()
            self._next = {TopicPartition(f"{prefix}.{t}", p): offset for (t, p), offset in begin}
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._settings.servers,
            client_id=self._client_id,
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            metadata_max_age_ms=10_000,
            request_timeout_ms=10_000,
        )
        # Every topic has a partition 0; naming it makes the client learn about the others.
        consumer.assign([TopicPartition(topic, 0) for topic in self._topics])
        try:
            await consumer.start()
            await self._follow(consumer, self._next)
        finally:
            with contextlib.suppress(KafkaError, OSError):
                await consumer.stop()

    async def _follow(self, consumer: AIOKafkaConsumer, places: dict[TopicPartition, int]) -> None:
        assigned: frozenset[TopicPartition] = frozenset()
        while True:
            partitions = self._partitions(consumer)
            if partitions != assigned:
                await self._assign(consumer, partitions, places)
                assigned = partitions
            try:
                batches = await consumer.getmany(timeout_ms=_POLL_MS, max_records=_MAX_RECORDS)
            except (OffsetOutOfRangeError, NoOffsetForPartitionError) as error:
                await self._start_over(consumer, places, error)
                continue
            self._polled_at = time.monotonic()
            for partition, records in batches.items():
                # Noted first: a record that breaks the receiver must not be read for ever.
                places[partition] = records[-1].offset + 1
                prefix = self._settings.topic_prefix
                self._receive([received(record, prefix) for record in records])
            # A poll that finds fetched records does not wait: let others run in between.
            await asyncio.sleep(0)

    def _partitions(self, consumer: AIOKafkaConsumer) -> frozenset[TopicPartition]:
        return frozenset(
            TopicPartition(topic, number)
            for topic in self._topics
            for number in consumer.partitions_for_topic(topic) or ()
        )

    async def _assign(
        self,
        consumer: AIOKafkaConsumer,
        partitions: frozenset[TopicPartition],
        places: dict[TopicPartition, int],
    ) -> None:
        """Read *partitions* from where each of them stands; an assignment forgets all positions."""
        consumer.assign(list(partitions))
        unknown = [partition for partition in partitions if partition not in places]
        if unknown:
            places.update(await consumer.beginning_offsets(unknown))
        for partition in partitions:
            consumer.seek(partition, places[partition])

    async def _start_over(
        self, consumer: AIOKafkaConsumer, places: dict[TopicPartition, int], error: KafkaError
    ) -> None:
        """Go to the first record of whatever partitions have nothing at their place."""
        logger.warning("broadcast.gap", extra={"error": repr(error)})
        partitions = list(consumer.assignment())
        first = await consumer.beginning_offsets(partitions)
        last = await consumer.end_offsets(partitions)
        for partition in partitions:
            if not first[partition] <= places[partition] <= last[partition]:
                places[partition] = first[partition]
            consumer.seek(partition, places[partition])
        self._lost()
