"""The sweep removes what a kill -9 leaves, and nothing that anybody still needs."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from tests.integration.ingest.desks import arrivals_of, desk_of
from tests.integration.ingest.serving import RunningIngest
from tests.integration.ingest.test_retention import waits_or_ended
from tests.waiting import eventually

from docyard_common.artifacts import member_key, original_key
from docyard_common.clock import Clock
from docyard_common.database import Database, lock_document
from docyard_common.errors import DependencyUnavailableError
from docyard_common.events.work import StageRequested
from docyard_common.ids import uuid7
from docyard_common.outbox import Outbox
from docyard_common.storage import MinioObjectStore, ObjectStore
from ingest.documents.lifecycle import Lifecycle
from ingest.documents.reconciling import Reconciler
from ingest.documents.retention import Retention
from ingest.settings import RetentionSettings, SweepSettings
from ingest.sweep import Sweeper

pytestmark = pytest.mark.integration


class Later(Clock):
    """Tells a time so much after the machine's own."""

    def __init__(self, later: timedelta) -> None:
        self._later = later

    def now(self) -> datetime:
        return datetime.now(UTC) + self._later


class Sweepers:
    """Makes sweepers that believe it is later."""

    def __init__(self, ingest: RunningIngest, database: Database) -> None:
        self._ingest = ingest
        self.database = database

    def after(
        self,
        *,
        store: ObjectStore | None = None,
        terms: RetentionSettings | None = None,
        **later: float,
    ) -> Sweeper:
        clock = Later(timedelta(**later))
        desk = desk_of(self._ingest, self.database, clock=clock)
        lifecycle = Lifecycle(
            database=self.database, store=desk.store, outbox=Outbox(source="test"), clock=clock
        )
        return Sweeper(
            desk=desk,
            lifecycle=lifecycle,
            reconciler=Reconciler(
                database=self.database, outbox=Outbox(source="test"), clock=clock
            ),
            arrivals=arrivals_of(desk),
            retention=Retention(
                database=self.database,
                store=store or desk.store,
                lifecycle=lifecycle,
                clock=clock,
                settings=terms or RetentionSettings(),
            ),
            settings=SweepSettings(),
        )


@pytest.fixture
def sweepers(ingest: RunningIngest, database: Database) -> Sweepers:
    return Sweepers(ingest, database)


async def test_an_original_without_a_row_is_removed_after_an_hour(
    ingest: RunningIngest, sweepers: Sweepers
) -> None:
    kept = UUID((await ingest.upload()).json()["document_id"])
    orphan = uuid7()
    await ingest.store.put(original_key(orphan), b"left by a kill")

    assert await sweepers.after(minutes=50).remove_orphans() == 0
    assert await sweepers.after(minutes=70).remove_orphans() == 1

    assert await ingest.keys() == [original_key(kept)]


async def test_an_original_that_gets_its_row_while_the_sweep_looks_is_kept(
    ingest: RunningIngest, sweepers: Sweepers
) -> None:
    await ingest.upload()
    late = uuid7()
    await ingest.store.put(original_key(late), b"put long ago")

    async with sweepers.database.transaction() as tx:
        await lock_document(tx, late)
        sweeping = asyncio.create_task(sweepers.after(minutes=70).remove_orphans())
        await eventually(lambda: waits_or_ended(ingest, sweeping))
        await tx.execute("update documents set object_key = %s", (original_key(late),))

    assert await sweeping == 0
    assert original_key(late) in await ingest.keys()


async def test_an_orphan_is_found_though_the_sweep_was_away_for_days(
    ingest: RunningIngest, sweepers: Sweepers
) -> None:
    await sweepers.after(hours=0).remove_orphans()
    await ingest.store.put(original_key(uuid7()), b"left by a kill")

    assert await sweepers.after(days=5).remove_orphans() == 1


async def test_a_multipart_upload_is_aborted_after_a_day(
    ingest: RunningIngest, sweepers: Sweepers
) -> None:
    await ingest.store.start_multipart(original_key(uuid7()), content_type="text/plain")

    assert await sweepers.after(hours=23).abort_stale_uploads() == 0
    assert await sweepers.after(hours=25).abort_stale_uploads() == 1
    assert not await ingest.store.open_multiparts("")


async def test_an_upload_of_a_containers_file_is_aborted_after_a_day(
    ingest: RunningIngest, sweepers: Sweepers
) -> None:
    key = member_key(uuid7(), 1, 1)
    await ingest.store.start_multipart(key, content_type="application/octet-stream")

    assert await sweepers.after(hours=23).abort_stale_uploads() == 0
    assert await sweepers.after(hours=25).abort_stale_uploads() == 1
    assert not await ingest.store.open_multiparts("")


async def test_a_delete_that_was_interrupted_is_finished(
    ingest: RunningIngest, sweepers: Sweepers
) -> None:
    await ingest.upload()
    await ingest.rows("update documents set deleted_at = now() returning 1")

    assert await sweepers.after(seconds=30).finish_deletes() == 0
    assert await sweepers.after(minutes=2).finish_deletes() == 1

    assert await ingest.keys() == []
    assert await ingest.rows("select * from documents") == []


async def test_a_term_that_can_not_be_carried_out_keeps_nothing_from_being_forgotten(
    ingest: RunningIngest, sweepers: Sweepers
) -> None:
    await ingest.upload(headers={"Idempotency-Key": "k"})
    await ingest.rows("update documents set state = 'completed', completed_at = now() returning 1")
    away = ingest.settings.object_store.model_copy(update={"endpoint": "127.0.0.1:1"})

    sweeper = sweepers.after(
        days=2, store=MinioObjectStore(away), terms=RetentionSettings(originals_days=1)
    )
    with pytest.raises(DependencyUnavailableError):
        await sweeper.sweep()

    assert await ingest.rows("select * from idempotency_keys") == []


async def test_keys_and_tombstones_are_forgotten_in_their_time(
    ingest: RunningIngest, sweepers: Sweepers
) -> None:
    answer = await ingest.upload(headers={"Idempotency-Key": "k"})
    await ingest.client.delete(answer.headers["Location"])

    async def counts() -> tuple[int, int]:
        keys = await ingest.rows("select * from idempotency_keys")
        return len(keys), len(await ingest.rows("select * from tombstones"))

    await sweepers.after(hours=23).forget()
    assert await counts() == (1, 1)
    await sweepers.after(hours=25).forget()
    assert await counts() == (0, 1)
    await sweepers.after(days=9).forget()
    assert await counts() == (0, 0)


async def test_a_claim_that_outlived_its_document_goes_with_the_tombstone(
    ingest: RunningIngest, sweepers: Sweepers
) -> None:
    """Replicas of an older release erase documents and leave the claims of folder jobs."""
    answer = await ingest.upload()
    deleted, living = answer.json()["document_id"], str(uuid7())
    await ingest.client.delete(answer.headers["Location"])
    for document_id in (deleted, living):
        await ingest.rows(
            f"insert into sync_documents values ('ann', '{document_id}', 'x', '{document_id}')"
            " returning 1"
        )

    await sweepers.after(days=9).forget()

    kept = await ingest.rows("select document_id::text from sync_documents")
    assert [row["document_id"] for row in kept] == [living]


async def test_bulk_operations_that_have_ended_are_forgotten_in_their_time(
    ingest: RunningIngest, sweepers: Sweepers
) -> None:
    await ingest.upload()
    for _ in range(2):
        await ingest.client.post("/api/v1/documents/cancel", json={"all": True})
    first, _ = await ingest.rows(
        "update bulk_operations set status = 'completed', finished_at = now() returning id"
    )
    await ingest.rows(
        "update bulk_operations set status = 'paused', finished_at = null"
        f" where id = '{first['id']}' returning 1"
    )

    async def counts() -> tuple[int, int]:
        orders = await ingest.rows("select * from bulk_operations")
        return len(orders), len(await ingest.rows("select * from bulk_items"))

    await sweepers.after(days=29).forget()
    assert await counts() == (2, 2)
    await sweepers.after(days=31).forget()
    assert await counts() == (1, 1)
    assert await ingest.rows("select 1 from bulk_operations where status = 'paused'")


async def test_a_whole_sweep_of_a_clean_system_changes_nothing(
    ingest: RunningIngest, sweepers: Sweepers
) -> None:
    await ingest.upload()

    await sweepers.after(hours=2).sweep()
    await sweepers.after(hours=4).sweep()

    assert len(await ingest.keys()) == 1
    assert len(await ingest.rows("select * from documents")) == 1


async def test_a_document_that_is_stuck_is_asked_for_again_once(
    ingest: RunningIngest, sweepers: Sweepers
) -> None:
    await ingest.upload()
    before = len(await ingest.outbox())

    early = await sweepers.after(hours=1).revive_stuck()
    late = [await sweepers.after(hours=3).revive_stuck() for _ in range(2)]

    assert (early, late) == (0, [1, 0])
    ((topic, work),) = (await ingest.outbox())[before:]
    assert topic == "work.validate.normal"
    assert isinstance(work, StageRequested)
    assert work.reconciling


async def test_a_document_that_has_ended_is_not_asked_for(
    ingest: RunningIngest, sweepers: Sweepers
) -> None:
    await ingest.upload()
    await ingest.rows("update documents set state='failed', completed_at = now() returning 1")

    assert await sweepers.after(hours=3).revive_stuck() == 0
