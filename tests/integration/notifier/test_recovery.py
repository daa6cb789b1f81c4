"""What memory and tables know together, and what a reader takes from nobody else."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from tests.integration.notifier.life import Life

from docyard_common.database import Database
from docyard_common.events import codec, sequence, topics
from docyard_common.events.documents import DocumentProgressed, ReprocessingAccepted
from docyard_common.events.envelope import DocumentEvent
from docyard_common.events.stages import Stage
from docyard_common.kafka.received import ReceivedRecord
from docyard_common.settings import DatabaseSettings
from notifier import documents
from notifier.feed import Feed
from notifier.hub import Hub
from notifier.mailbox import Item, Mailbox
from notifier.projector import Projector
from notifier.recent import RecentViews
from notifier.recovery import Recovery
from notifier.settings import OutboxSettings
from notifier.subscription import Subscription
from notifier.updates import Update

pytestmark = pytest.mark.integration

MAX_BYTES = 2_000
"""Room for some changes, of which each takes about 260 bytes; ten rows are read at most."""


class Replica:
    """The parts of one process; a test says which of them has read what."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.hub = Hub()
        self.recent = RecentViews(keep_s=60, is_wanted=lambda _: True)
        self.recovery = Recovery(database=database, recent=self.recent, max_bytes=MAX_BYTES)
        self._projector = Projector(database)
        self._feed = Feed(
            database=database, recent=self.recent, hub=self.hub, resync=self.recent.clear
        )

    async def project(self, *events: DocumentEvent) -> None:
        await self._projector.apply(_records(events))

    def read(self, *events: DocumentEvent) -> None:
        self._feed.receive(_records(events))


class Waiting:
    """A client that follows a document, and what it has been told."""

    def __init__(self, replica: Replica, life: Life) -> None:
        self._mailbox = Mailbox(OutboxSettings())
        self.subscription = Subscription(life.owner, self._mailbox)
        replica.hub.watch(self.subscription, [life.document_id])

    async def told(self) -> list[int]:
        """Return the positions that wait to be written."""
        count = len(self._mailbox)
        return [_seq(item) for item in await self._mailbox.take(count)] if count else []


@pytest.fixture
async def replica(database_settings: DatabaseSettings) -> AsyncIterator[Replica]:
    database = Database(database_settings, schema="notifier", application_name="test")
    await database.open()
    yield Replica(database)
    await database.close()


async def test_a_generation_that_begins_does_not_hide_the_result_that_the_tables_know(
    replica: Replica,
) -> None:
    life = Life("ann")
    await replica.project(life.accepted(), life.completed())
    replica.read(_reopened(life))

    for _ in ("not learned yet", "learned"):
        view = await replica.recovery.view(life.document_id, owner="ann")
        assert view is not None
        assert (view.generation, view.result_generation) == (2, 1)


async def test_a_read_swallows_no_change_that_another_client_waits_for(replica: Replica) -> None:
    life = Life("ann")
    facts = [life.accepted(), *life.stage(Stage.VALIDATE), life.completed()]
    waiting = Waiting(replica, life)
    await replica.project(*facts)

    await replica.recovery.view(life.document_id, owner="ann")
    replica.read(*facts)

    assert await waiting.told() == [fact.seq for fact in facts]


async def test_who_was_told_by_the_snapshot_is_not_told_again(replica: Replica) -> None:
    life = Life("ann")
    facts = [life.accepted(), *life.stage(Stage.VALIDATE)]
    subscriber = Waiting(replica, life)
    await replica.project(*facts)

    subscriber.subscription.hold()
    snapshot = await replica.recovery.catch_up([life.document_id], owner="ann", since={})
    replica.read(*facts, life.started(Stage.EXTRACT))
    subscriber.subscription.release(snapshot.updates)
    replica.read(life.completed())

    assert [update.seq for update in snapshot.updates] == [facts[-1].seq]
    assert await subscriber.told() == [life.started(Stage.EXTRACT).seq, life.completed().seq]


async def test_a_replay_ends_at_what_one_answer_may_hold(replica: Replica) -> None:
    life = Life("ann")
    facts = [life.started(Stage.EXTRACT, fence) for fence in range(1, 9)]
    await replica.project(life.accepted(), *facts)

    async def since(held: DocumentEvent) -> tuple[bool, list[int]]:
        positions = {life.document_id: held.seq}
        told = await replica.recovery.catch_up(positions, owner="ann", since=positions)
        return told.recovered, [update.seq for update in told.updates]

    assert await since(facts[4]) == (True, [fact.seq for fact in facts[5:]])
    assert await since(life.accepted()) == (False, [facts[-1].seq])


async def test_no_more_rows_are_read_than_can_be_replayed(replica: Replica) -> None:
    lives = [Life("ann") for _ in range(4)]
    for life in lives:
        await replica.project(life.accepted(), *life.stage(Stage.VALIDATE), life.completed())
    held = {life.document_id: 0 for life in lives}

    told = await replica.recovery.catch_up(held, owner="ann", since=held)
    async with replica.database.transaction() as tx:
        facts = await documents.facts_after(tx, held, limit=5)

    newest = [life.completed().seq for life in lives]
    assert (told.recovered, [update.seq for update in told.updates]) == (False, newest)
    assert len(facts) == 5


def _reopened(life: Life) -> ReprocessingAccepted:
    return ReprocessingAccepted(
        document_id=life.document_id, owner=life.owner, generation=2, seq=sequence.reopened(2),
        from_stage=Stage.VALIDATE, requested_by=life.owner, accepted_at=datetime.now(UTC),
    )  # fmt: skip


def _records(events: tuple[DocumentEvent, ...]) -> list[ReceivedRecord]:
    return [_record(event, offset) for offset, event in enumerate(events)]


def _record(event: DocumentEvent, offset: int) -> ReceivedRecord:
    topic = topics.PROGRESS if isinstance(event, DocumentProgressed) else topics.EVENTS
    record = codec.encode(event, topic=topic, source="test")
    return ReceivedRecord(topic, 0, offset, 0, record.key, record.value, tuple(record.headers))


def _seq(item: Item) -> int:
    assert isinstance(item, Update)
    return item.seq
