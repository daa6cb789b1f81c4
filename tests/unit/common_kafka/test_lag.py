"""How far a consumer is behind, from what it knows itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import uuid4

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError
from prometheus_client import REGISTRY

from docyard_common.kafka.lag import Lag

FIRST, SECOND = TopicPartition("p.a", 0), TopicPartition("p.a", 1)
OTHER = TopicPartition("p.b", 0)


@dataclass
class Standing:
    """A consumer that stands somewhere; places of partitions it does not have raise."""

    ends: Mapping[TopicPartition, int | None]
    positions: Mapping[TopicPartition, int] = field(default_factory=dict)

    def assignment(self) -> frozenset[TopicPartition]:
        return frozenset(self.ends)

    def highwater(self, partition: TopicPartition) -> int | None:
        return self.ends[partition]

    async def position(self, partition: TopicPartition) -> int:
        if partition not in self.positions:
            raise IllegalStateError
        return self.positions[partition]


@pytest.fixture
def group() -> str:
    return uuid4().hex


@pytest.fixture
def lag(group: str) -> Lag:
    return Lag(group, ["a", "b"], prefix="p")


def shown(group: str, topic: str) -> float | None:
    return REGISTRY.get_sample_value("docyard_consumer_lag", {"group": group, "topic": topic})


async def test_partitions_of_a_topic_add_up(lag: Lag, group: str) -> None:
    ends = {FIRST: 10, SECOND: 5, OTHER: 3}

    await lag.measure(Standing(ends, {FIRST: 4, SECOND: 5, OTHER: 1}))

    assert (shown(group, "a"), shown(group, "b")) == (6, 2)


async def test_partitions_that_went_to_another_replica_are_not_shown_here(
    lag: Lag, group: str
) -> None:
    await lag.measure(Standing({FIRST: 10}, {FIRST: 4}))
    await lag.measure(Standing({}))

    assert shown(group, "a") == 0


@pytest.mark.parametrize(
    "consumer",
    [None, Standing({FIRST: None}), Standing({FIRST: 10})],
    ids=["not started", "not fetched", "just revoked"],
)
async def test_what_is_not_known_is_no_lag(lag: Lag, group: str, consumer: Standing | None) -> None:
    await lag.measure(consumer)

    assert shown(group, "a") == 0
