"""The fixtures that all other tests stand on."""

import psycopg
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from minio import Minio
from tests.databases import Databases
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


WHICH = "select oid from pg_database where datname = current_database()"
USE = """
insert into ingest.limit_changes (owner, at, actor) values ('a', now(), 'b') returning id
"""
KEPT = """
insert into dlq_admin.audit (actor, operation, selector, counts) values ('a', 'b', '{}', '{}')
returning id
"""
SEEN = "select at::text, (select count(*) from ingest.limit_changes) from processor.observations"


def test_a_used_database_comes_back_as_it_was(databases: Databases) -> None:
    seen = []
    for _ in range(2):
        with databases.one() as url, psycopg.connect(url, autocommit=True) as connection:
            queries = (WHICH, SEEN, USE, KEPT)
            seen.append([connection.execute(query.encode()).fetchone() for query in queries])
            connection.execute("update processor.observations set at = now()")

    assert seen[0] == seen[1]
    assert seen[0][1] == ("-infinity", 0)


@pytest.mark.parametrize(
    "change",
    [
        "create table ingest.other (a int)",
        "alter table ingest.documents add column other int",
        "drop trigger outbox_notify on ingest.outbox",
        "alter table dlq_admin.audit disable trigger audit_append_only",
        "create function ingest.other() returns int language sql return 1",
        "analyze ingest.documents",
    ],
)
def test_a_changed_database_is_never_lent_again(databases: Databases, change: str) -> None:
    with databases.one() as url, psycopg.connect(url, autocommit=True) as connection:
        connection.execute(change.encode())
        changed = connection.execute(WHICH).fetchone()

    with databases.one() as url, psycopg.connect(url, autocommit=True) as connection:
        assert connection.execute(WHICH).fetchone() != changed


def test_who_outlives_a_test_finds_its_database_no_more(databases: Databases) -> None:
    with databases.one() as url:
        left_open = psycopg.connect(url)

    with pytest.raises(psycopg.OperationalError):
        left_open.execute("select 1")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(url)
    left_open.close()


def test_each_bucket_is_empty(object_store_settings: ObjectStoreSettings) -> None:
    client = Minio(
        endpoint=object_store_settings.endpoint,
        access_key=object_store_settings.access_key,
        secret_key=object_store_settings.secret_key.get_secret_value(),
        secure=False,
    )

    assert list(client.list_objects(bucket_name=object_store_settings.bucket)) == []
