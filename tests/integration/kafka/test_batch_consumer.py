"""Batch consumers on a real broker: applied before acknowledged, and poison delays nobody."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from prometheus_client import REGISTRY
from tests.waiting import eventually

from docyard_common.errors import DependencyUnavailableError
from docyard_common.events.topics import Topic
from docyard_common.kafka.admin import ensure_topics
from docyard_common.kafka.consumer import BatchConsumer
from docyard_common.kafka.producer import reliable_producer
from docyard_common.kafka.received import ReceivedRecord
from docyard_common.settings import KafkaSettings

pytestmark = pytest.mark.integration

TOPIC = "batch.test"


@pytest.fixture
async def producer(kafka_settings: KafkaSettings) -> AsyncIterator[AIOKafkaProducer]:
    await ensure_topics(kafka_settings, [Topic(TOPIC, retention_ms=3_600_000)])
    producer = reliable_producer(kafka_settings, client_id="test")
    await producer.start()
    yield producer
    await producer.stop()


async def send(producer: AIOKafkaProducer, settings: KafkaSettings, *values: bytes | None) -> None:
    for value in values:
        topic = f"{settings.topic_prefix}.{TOPIC}"
        headers = [("bad", b"\xff\xfe"), ("none", None)]
        await producer.send_and_wait(topic, value, key=b"k", headers=headers)


class Applied:
    """Collects what was applied; can be told to fail first."""

    def __init__(self, *failures: Exception) -> None:
        self.values: list[bytes | None] = []
        self.rejected: list[bytes | None] = []
        self.failures = list(failures)

    async def apply(self, records: Sequence[ReceivedRecord]) -> None:
        if self.failures:
            raise self.failures.pop(0)
        if any(record.value == b"poison" for record in records):
            raise ZeroDivisionError
        self.values += [record.value for record in records]

    async def reject(self, record: ReceivedRecord, error: Exception) -> None:
        assert isinstance(error, ZeroDivisionError)
        self.rejected.append(record.value)


async def consume(
    settings: KafkaSettings, applied: Applied, *, group: str = "group"
) -> BatchConsumer:
    consumer = BatchConsumer(settings, client_id="test")
    consumer.subscribe(TOPIC, group=group, apply=applied.apply, reject=applied.reject)
    await consumer.start()
    return consumer


async def test_headers_that_are_no_text_pass(
    kafka_settings: KafkaSettings, producer: AIOKafkaProducer
) -> None:
    await send(producer, kafka_settings, b"1", None, b"2")
    applied = Applied()

    consumer = await consume(kafka_settings, applied)
    await eventually(lambda: len(applied.values) == 3)
    await consumer.stop()

    assert applied.values == [b"1", None, b"2"]


async def test_a_batch_is_applied_again_while_a_server_is_away(
    kafka_settings: KafkaSettings, producer: AIOKafkaProducer
) -> None:
    away = DependencyUnavailableError("database", "refused")
    applied = Applied(away, away)
    await send(producer, kafka_settings, b"1")

    consumer = await consume(kafka_settings, applied)
    await eventually(lambda: applied.values == [b"1"])
    await consumer.stop()


async def test_a_record_that_fails_alone_is_rejected_and_delays_nobody(
    kafka_settings: KafkaSettings, producer: AIOKafkaProducer
) -> None:
    await send(producer, kafka_settings, b"1", b"poison", b"2")
    applied = Applied()

    consumer = await consume(kafka_settings, applied)
    await eventually(lambda: len(applied.values) == 2)
    await consumer.stop()

    assert (applied.values, applied.rejected) == ([b"1", b"2"], [b"poison"])


async def test_what_was_acknowledged_does_not_come_again(
    kafka_settings: KafkaSettings, producer: AIOKafkaProducer
) -> None:
    await send(producer, kafka_settings, b"1")
    first, second = Applied(), Applied()
    consumer = await consume(kafka_settings, first)
    await eventually(lambda: first.values)
    await consumer.stop()
    await send(producer, kafka_settings, b"2")

    consumer = await consume(kafka_settings, second)
    await eventually(lambda: second.values)
    await consumer.stop()

    assert second.values == [b"2"]


async def test_a_consumer_tells_its_rebalances_and_that_it_has_caught_up(
    kafka_settings: KafkaSettings, producer: AIOKafkaProducer
) -> None:
    await send(producer, kafka_settings, b"1", b"2")
    applied, group = Applied(), "telling"

    consumer = await consume(kafka_settings, applied, group=group)
    await eventually(lambda: len(applied.values) == 2)
    await consumer.stop()

    labels = {"group": group, "topic": TOPIC}
    assert REGISTRY.get_sample_value("docyard_consumer_lag", labels) == 0
    rebalances = REGISTRY.get_sample_value("docyard_consumer_rebalances_total", {"group": group})
    assert rebalances
    assert rebalances >= 1


async def test_a_working_consumer_is_alive(
    kafka_settings: KafkaSettings, producer: AIOKafkaProducer
) -> None:
    await send(producer, kafka_settings, b"1")
    applied = Applied()

    consumer = await consume(kafka_settings, applied)
    await eventually(lambda: applied.values)
    alive = consumer.is_alive()
    await consumer.stop()

    assert (alive, consumer.is_alive()) == (True, False)


async def test_an_idle_subscriber_waits_instead_of_asking_again_and_again(
    kafka_settings: KafkaSettings, producer: AIOKafkaProducer, monkeypatch: pytest.MonkeyPatch
) -> None:
    polls = 0
    poll = AIOKafkaConsumer.getmany

    async def counted(self: AIOKafkaConsumer, *arguments: Any, **options: Any) -> Any:
        nonlocal polls
        polls += 1
        return await poll(self, *arguments, **options)

    monkeypatch.setattr(AIOKafkaConsumer, "getmany", counted)
    applied = Applied()
    consumer = await consume(kafka_settings, applied)
    await eventually(lambda: polls >= 2)  # the first came back empty, after a second

    await send(producer, kafka_settings, b"1")
    await eventually(lambda: applied.values == [b"1"])
    await consumer.stop()

    assert polls < 10
