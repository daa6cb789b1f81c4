"""The outbox against real PostgreSQL and Kafka: nothing lost, order kept, over several relays."""

import asyncio
import zlib
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from tests.waiting import eventually

from docyard_common.database import Database, lock_document, migrate
from docyard_common.events import codec
from docyard_common.events.topics import Topic
from docyard_common.ids import uuid7
from docyard_common.kafka.admin import ensure_topics
from docyard_common.kafka.consumer import BatchConsumer
from docyard_common.kafka.received import ReceivedRecord
from docyard_common.outbox import Outbox, Relay
from docyard_common.outbox.schema import SHARDS
from docyard_common.settings import DatabaseSettings, KafkaSettings

pytestmark = pytest.mark.integration

TOPIC = "outbox.test"
SCHEMA = "relay_test"
REVISION = '''
"""An outbox and nothing else."""
from alembic import op
from docyard_common.outbox import CREATE_OUTBOX

revision, down_revision, branch_labels, depends_on = "0001", None, None, None


def upgrade() -> None:
    op.execute(CREATE_OUTBOX)
'''


@pytest.fixture
async def database(
    database_settings: DatabaseSettings, kafka_settings: KafkaSettings, tmp_path: Path
) -> AsyncIterator[Database]:
    (tmp_path / "0001_outbox.py").write_text(REVISION)
    await migrate(database_settings, schema=SCHEMA, locations=tmp_path)
    await ensure_topics(kafka_settings, [Topic(TOPIC, retention_ms=3_600_000)])
    database = Database(database_settings, schema=SCHEMA, application_name="test")
    await database.open()
    yield database
    await database.close()


@asynccontextmanager
async def relaying(
    database_settings: DatabaseSettings, kafka_settings: KafkaSettings
) -> AsyncIterator[asyncio.Task[None]]:
    relay = Relay(database=database_settings, schema=SCHEMA, kafka=kafka_settings, client_id="test")
    task = asyncio.create_task(relay.run())
    yield task
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


class Reader:
    """Everything that was published, by key."""

    def __init__(self) -> None:
        self.values: dict[bytes | None, list[bytes | None]] = defaultdict(list)
        self.records: list[ReceivedRecord] = []

    async def apply(self, records: Sequence[ReceivedRecord]) -> None:
        for record in records:
            self.records.append(record)
            self.values[record.key].append(record.value)


@asynccontextmanager
async def reading(kafka_settings: KafkaSettings) -> AsyncIterator[Reader]:
    reader = Reader()
    consumer = BatchConsumer(kafka_settings, client_id="test")
    consumer.subscribe(TOPIC, group="reader", apply=reader.apply)
    await consumer.start()
    yield reader
    await consumer.stop()


async def test_records_arrive_as_they_were_added(
    database: Database, database_settings: DatabaseSettings, kafka_settings: KafkaSettings
) -> None:
    headers = (("a", b"1"), ("a", b"\xff\xfe"), ("null", None), ("nul\x00", b"\x00"))
    record = codec.Record(TOPIC, b"key", b"\x00\xff", headers)

    async with database.transaction() as tx:
        await Outbox(source="test").add(tx, record)

    async with relaying(database_settings, kafka_settings), reading(kafka_settings) as reader:
        await eventually(lambda: len(reader.records) == 1)
    (got,) = reader.records
    assert (got.topic, got.key, got.value, got.headers) == (TOPIC, b"key", b"\x00\xff", headers)


async def test_a_record_with_neither_key_nor_value_arrives_with_an_empty_key(
    database: Database, database_settings: DatabaseSettings, kafka_settings: KafkaSettings
) -> None:
    async with database.transaction() as tx:
        await Outbox(source="test").add(tx, codec.Record(TOPIC, None, None, (("a", b"1"),)))

    async with relaying(database_settings, kafka_settings), reading(kafka_settings) as reader:
        await eventually(lambda: len(reader.records) == 1)
    (got,) = reader.records
    assert (got.key, got.value, got.headers) == (b"", None, (("a", b"1"),))


NAMELESS = r"header_names = array['\xff'::bytea]"
HUGE = "value = convert_to(repeat('x', 5000000), 'UTF8')"
TOO_LARGE = "value = convert_to(repeat('x', 3000000), 'UTF8')"


async def refuse_one(database: Database, spoil: str = NAMELESS, *, place: int = 0) -> int:
    """Add a row that can not be published, and a full batch behind it in its shard.

    With *place* that many rows are before it.
    """
    async with database.transaction() as tx:
        await Outbox(source="test").add(
            tx,
            *(codec.Record(TOPIC, b"refused", str(n).encode(), (("a", b""),)) for n in range(250)),
        )
        cursor = await tx.execute(
            f"update outbox set {spoil} "
            "where id = (select id from outbox order by id offset %s limit 1) returning shard",
            (place,),
        )
        row = await cursor.fetchone()
    assert row is not None
    return int(row["shard"])


async def mend(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.execute("update outbox set header_names = array['a'::bytea] where key = 'refused'")
        await tx.execute("update outbox set value = '0' where length(value) > 1000")


def keys_beside(shard: int) -> list[bytes]:
    return [key for n in range(50) if shard_of(key := b"%d" % n) != shard]


def shard_of(key: bytes) -> int:
    return zlib.crc32(key) % SHARDS


async def test_a_row_that_kafka_refuses_holds_up_no_other_shard(
    database: Database, database_settings: DatabaseSettings, kafka_settings: KafkaSettings
) -> None:
    others = keys_beside(await refuse_one(database, TOO_LARGE))
    async with database.transaction() as tx:
        await Outbox(source="test").add(tx, *(codec.Record(TOPIC, key, b"v") for key in others))

    async with (
        reading(kafka_settings) as reader,
        relaying(database_settings, kafka_settings) as relay,
    ):
        await eventually(lambda: relay.done() or reader.values.keys() >= set(others))
        assert not relay.done()
        await mend(database)
        await eventually(lambda: len(set(reader.values[b"refused"])) == 250)


async def test_a_row_that_can_not_be_sent_stops_its_shard_alone(
    database: Database, database_settings: DatabaseSettings, kafka_settings: KafkaSettings
) -> None:
    others = keys_beside(await refuse_one(database))
    async with database.transaction() as tx:
        await Outbox(source="test").add(tx, *(codec.Record(TOPIC, key, b"v") for key in others))

    async with (
        reading(kafka_settings) as reader,
        relaying(database_settings, kafka_settings) as relay,
    ):
        await eventually(lambda: relay.done() or reader.values.keys() == set(others))
        assert not relay.done()
        await mend(database)
        await eventually(lambda: len(reader.values[b"refused"]) == 250)
    assert reader.values[b"refused"] == [str(n).encode() for n in range(250)]


@pytest.mark.parametrize("spoil", [NAMELESS, HUGE])
async def test_what_was_added_before_a_row_that_can_not_be_sent_is_published_once(
    database: Database,
    database_settings: DatabaseSettings,
    kafka_settings: KafkaSettings,
    spoil: str,
) -> None:
    await refuse_one(database, spoil, place=20)

    async def left() -> bool:
        async with database.transaction() as tx:
            cursor = await tx.execute("select count(*) as n from outbox")
            row = await cursor.fetchone()
        return row == {"n": 230}

    async with reading(kafka_settings) as reader, relaying(database_settings, kafka_settings):
        await eventually(left)
        await mend(database)
        await eventually(lambda: len(reader.values[b"refused"]) >= 250)
    assert [int(value or 0) for value in reader.values[b"refused"][:20]] == list(range(20))
    assert len(reader.values[b"refused"]) == 250


async def test_a_stopped_shard_goes_on_though_others_never_run_out_of_rows(
    database: Database, database_settings: DatabaseSettings, kafka_settings: KafkaSettings
) -> None:
    others = keys_beside(await refuse_one(database))
    full = asyncio.Event()

    async def load() -> None:
        """Have thousands of rows wait at any time."""
        rows = [codec.Record(TOPIC, key, b"v") for key in others * 50]
        while True:
            async with database.transaction() as tx:
                cursor = await tx.execute("select count(*) as n from outbox")
                row = await cursor.fetchone()
                if row and row["n"] < 4_000:
                    await Outbox(source="test").add(tx, *rows)
                else:
                    full.set()
            await asyncio.sleep(0.01)

    loading = asyncio.create_task(load())
    async with reading(kafka_settings) as reader, relaying(database_settings, kafka_settings):
        await full.wait()
        await eventually(lambda: len(reader.values) > 1)
        await mend(database)
        await eventually(lambda: loading.done() or len(reader.values[b"refused"]) == 250)
    assert not loading.done()
    loading.cancel()


async def test_a_rolled_back_transaction_publishes_nothing(
    database: Database, database_settings: DatabaseSettings, kafka_settings: KafkaSettings
) -> None:
    outbox = Outbox(source="test")

    async def change_their_mind() -> None:
        async with database.transaction() as tx:
            await outbox.add(tx, codec.Record(TOPIC, b"k", b"undone"))
            raise InterruptedError

    with pytest.raises(InterruptedError):
        await change_their_mind()
    async with database.transaction() as tx:
        await outbox.add(tx, codec.Record(TOPIC, b"k", b"done"))

    async with relaying(database_settings, kafka_settings), reading(kafka_settings) as reader:
        await eventually(lambda: reader.records)
    assert reader.values == {b"k": [b"done"]}


async def test_three_relays_keep_the_order_of_every_document_while_one_leaves(
    database: Database, database_settings: DatabaseSettings, kafka_settings: KafkaSettings
) -> None:
    documents = [uuid7() for _ in range(20)]
    writers, events_each = 8, 5
    outbox = Outbox(source="test")
    counters = dict.fromkeys(documents, 0)

    async def write() -> None:
        for _ in range(events_each):
            for document in documents:
                async with database.transaction() as tx:
                    await lock_document(tx, document)
                    counters[document] += 1
                    value = str(counters[document]).encode()
                    await outbox.add(tx, codec.Record(TOPIC, str(document).encode(), value))

    async with (
        reading(kafka_settings) as reader,
        relaying(database_settings, kafka_settings) as first,
        relaying(database_settings, kafka_settings),
        relaying(database_settings, kafka_settings),
    ):
        writing = asyncio.gather(*(write() for _ in range(writers)))
        await eventually(lambda: len(reader.records) > 100)
        first.cancel()
        await writing
        await eventually(lambda: len(set_of(reader)) == writers * events_each * len(documents))
    for document in documents:
        values = [int(v or b"0") for v in reader.values[str(document).encode()]]
        seen = list(dict.fromkeys(values))
        assert seen == sorted(seen), "a later event overtook an earlier one"


def set_of(reader: Reader) -> set[tuple[bytes | None, bytes | None]]:
    return {(record.key, record.value) for record in reader.records}
