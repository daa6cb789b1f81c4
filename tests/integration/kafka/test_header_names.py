"""Header names that are no text: any producer may send them, and they delay nobody."""

from collections.abc import AsyncIterator, Sequence

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.producer import message_accumulator
from aiokafka.producer import producer as producer_module
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from tests.waiting import eventually

from docyard_common.events.topics import Topic
from docyard_common.kafka.admin import ensure_topics
from docyard_common.kafka.consumer import BatchConsumer
from docyard_common.kafka.received import ReceivedRecord
from docyard_common.settings import KafkaSettings

pytestmark = pytest.mark.integration

TOPIC = "header-names.test"


class RawName(str):
    """A name that goes to Kafka as the bytes a producer in C may send."""

    __slots__ = ()

    def encode(self, *_: object) -> bytes:
        return super().encode("latin-1")


@pytest.fixture(params=[None, "gzip"])
async def producer(
    kafka_settings: KafkaSettings,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> AsyncIterator[AIOKafkaProducer]:
    """A producer that asks names for their bytes."""
    for module in (message_accumulator, producer_module):
        monkeypatch.setattr(module, "DefaultRecordBatchBuilder", _DefaultRecordBatchBuilderPy)
    await ensure_topics(kafka_settings, [Topic(TOPIC, retention_ms=3_600_000)])
    async with AIOKafkaProducer(
        bootstrap_servers=kafka_settings.servers, compression_type=request.param, linger_ms=100
    ) as producer:
        yield producer


async def test_a_header_name_that_is_not_utf8_arrives_with_its_bytes_escaped(
    kafka_settings: KafkaSettings, producer: AIOKafkaProducer
) -> None:
    topic = f"{kafka_settings.topic_prefix}.{TOPIC}"
    names = ("a", "caf\xe9\\", "é".encode().decode("latin-1"))
    sent = [
        await producer.send(topic, name.encode(), key=b"k", headers=[(RawName(name), b"1")])
        for name in names
    ]
    for ack in sent:
        await ack
    records: list[ReceivedRecord] = []

    async def apply(batch: Sequence[ReceivedRecord]) -> None:
        records.extend(batch)

    consumer = BatchConsumer(kafka_settings, client_id="test")
    consumer.subscribe(TOPIC, group="group", apply=apply)
    await consumer.start()
    await eventually(lambda: len(records) == len(names))
    await consumer.stop()

    assert [record.headers for record in records] == [
        (("a", b"1"),),
        (("caf\\xe9\\", b"1"),),
        (("é", b"1"),),
    ]
