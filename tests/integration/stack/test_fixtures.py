"""The fixtures that all other tests stand on."""

import psycopg
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from minio import Minio
from tests.waiting import eventually

from docyard_common.settings import DatabaseSettings, KafkaSettings, ObjectStoreSettings

pytestmark = pytest.mark.integration


async def test_each_test_may_create_topics_under_its_own_prefix(
    kafka_settings: KafkaSettings,
) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_settings.servers)
    await admin.start()
    topic = f"{kafka_settings.topic_prefix}.a"

    async def is_listed() -> bool:
        return topic in await admin.list_topics()

    try:
        await admin.create_topics([NewTopic(topic, 1, 1)])
        await eventually(is_listed)
    finally:
        await admin.close()


def test_each_database_is_empty_and_knows_vectors(
    empty_database_settings: DatabaseSettings,
) -> None:
    with psycopg.connect(empty_database_settings.url.get_secret_value()) as connection:
        connection.execute("create extension vector")
        row = connection.execute("select '[1,2]'::vector <-> '[1,2]'::vector").fetchone()

    assert row == (0.0,)


def test_each_bucket_is_empty(object_store_settings: ObjectStoreSettings) -> None:
    client = Minio(
        endpoint=object_store_settings.endpoint,
        access_key=object_store_settings.access_key,
        secret_key=object_store_settings.secret_key.get_secret_value(),
        secure=False,
    )

    assert list(client.list_objects(bucket_name=object_store_settings.bucket)) == []
