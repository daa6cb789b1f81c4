"""Tells how far a consumer is behind, from what it knows itself: no question to a broker."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import IllegalStateError

from docyard_common.observability import metrics


class Lag:
    """The lag of one group on *topics*, as far as one consumer's partitions go.

    Summed over replicas it is the group's. While a lane is full nothing is fetched, and the end of
    a partition is known as of its last fetch: at most a minute old.
    """

    def __init__(self, group: str, topics: Sequence[str], *, prefix: str) -> None:
        self._gauges = {
            f"{prefix}.{topic}": metrics.CONSUMER_LAG.labels(group, topic) for topic in topics
        }

    async def measure(self, consumer: Any) -> None:
        """Set the gauges from where *consumer* stands; None has no partitions."""
        behind: Counter[str] = Counter()
        for partition in consumer.assignment() if consumer is not None else ():
            behind[partition.topic] += await _behind(consumer, partition)
        for topic, gauge in self._gauges.items():
            gauge.set(behind[topic])


async def _behind(consumer: Any, partition: TopicPartition) -> int:
    """Return the records between the consumer and the end of *partition*; 0 before its fetch."""
    try:
        end: int | None = consumer.highwater(partition)
        return 0 if end is None else max(0, end - await consumer.position(partition))
    except IllegalStateError:  # revoked in between
        return 0


class CountingListener(ConsumerRebalanceListener):  # type: ignore[misc]
    """Counts the rebalances of one group."""

    def __init__(self, group: str) -> None:
        self._rebalances = metrics.CONSUMER_REBALANCES.labels(group)

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Nothing: every rebalance ends in an assignment."""

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Count one, whatever came of it."""
        del assigned
        self._rebalances.inc()
