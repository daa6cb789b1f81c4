"""A Kafka client that waits for records instead of asking for them again and again."""

import asyncio
import time
from collections.abc import Callable, Collection
from functools import partial
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from faststream.kafka import KafkaBroker

_WAIT_MS: Final = 1_000
_PAUSE_S: Final = 0.005
_GATHER_S: Final = 0.05

Batch = dict[TopicPartition, list[ConsumerRecord[Any, Any]]]


def gathering_s(keys: Collection[bytes | None]) -> float:
    """Return how long to let what comes next gather, after records of *keys* came at once.

    A single document is passed on at once. Where there are several, each of them waits for the
    others anyway: then twenty batches a second share the price of their round trips.
    """
    return _GATHER_S if len(keys) > 1 else _PAUSE_S


class PatientConsumer(AIOKafkaConsumer):  # type: ignore[misc]  # it ships no types
    """Answers a poll when there is something to say: FastStream sleeps after every empty answer.

    Two dozen subscribers that look for records fifty times a second are a tenth of a core.
    """

    def __init__(self, *topics: str, **options: Any) -> None:
        super().__init__(*topics, **options)
        self._due = 0.0

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> Batch:
        """Return the next records, however long they take. Raises ConsumerStoppedError."""
        del timeout_ms
        await asyncio.sleep(max(0.0, self._due - time.monotonic()))
        poll = partial(super().getmany, *partitions, timeout_ms=_WAIT_MS, max_records=max_records)
        batch: Batch = {}
        while not batch:
            batch = await poll()
        keys = {record.key for records in batch.values() for record in records}
        self._due = time.monotonic() + gathering_s(keys)
        return batch


class PatientBroker(KafkaBroker):
    """FastStream's broker with patient consumers; it publishes nothing."""

    async def _connect(self) -> Callable[..., AIOKafkaConsumer]:
        stock = await super()._connect()
        assert isinstance(stock, partial)  # noqa: S101 - held by the pin of FastStream
        patient = partial(PatientConsumer, **stock.keywords)
        self.config.broker_config.builder = patient
        return patient
