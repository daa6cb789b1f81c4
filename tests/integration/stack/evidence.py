"""Puts a row, an object and a record into servers, and looks for them later."""

import io
from pathlib import Path

import psycopg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from minio import Minio

from docyard_stack.folder import StackFolder
from docyard_stack.record import StackRecord
from docyard_stack.servers import Servers

PARTS = ("postgres", "object-store", "kafka")
_BUCKET = "evidence"
_TOPIC = "evidence"


def record_of(data: Path) -> StackRecord:
    record = StackFolder(data).load()
    assert record is not None
    return record


def pids(record: StackRecord) -> list[int]:
    return [part.process.pid for part in record.parts.values() if part.process is not None]


def leave_row(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("create table evidence as select 1 as a")


def has_row(url: str) -> bool:
    with psycopg.connect(url) as connection:
        return connection.execute("select a from evidence").fetchone() == (1,)


def leave_object(servers: Servers) -> None:
    store = _store(servers)
    store.make_bucket(bucket_name=_BUCKET)
    store.put_object(bucket_name=_BUCKET, object_name="o", data=io.BytesIO(b"kept"), length=4)


def has_object(servers: Servers) -> bool:
    answer = _store(servers).get_object(bucket_name=_BUCKET, object_name="o")
    try:
        return answer.read() == b"kept"
    finally:
        answer.close()
        answer.release_conn()


async def leave_record(servers: Servers) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers.kafka)
    await admin.start()
    await admin.create_topics([NewTopic(_TOPIC, 1, 1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=servers.kafka, acks="all") as producer:
        await producer.send_and_wait(_TOPIC, b"kept")


async def has_record(servers: Servers) -> bool:
    async with AIOKafkaConsumer(
        _TOPIC, bootstrap_servers=servers.kafka, auto_offset_reset="earliest"
    ) as consumer:
        return bool((await consumer.getone()).value == b"kept")


def _store(servers: Servers) -> Minio:
    address = servers.object_store
    return Minio(
        endpoint=address["endpoint"],
        access_key=address["access_key"],
        secret_key=address["secret_key"],
        secure=False,
    )
