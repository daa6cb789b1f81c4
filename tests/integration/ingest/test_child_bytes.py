"""While the bytes of a child are copied nobody waits, and none are lost or left behind."""

from collections.abc import Awaitable, Callable, Iterator
from uuid import UUID

import pytest
from tests.integration.ingest.serving import RunningIngest
from tests.integration.ingest.test_children import Finding
from tests.integration.ingest.test_projector import records, started

from docyard_common.artifacts import original_key
from docyard_common.clock import SystemClock
from docyard_common.database import Database
from docyard_common.events.stages import Stage
from docyard_common.outbox import Outbox
from docyard_common.storage import MinioObjectStore
from ingest.projector import Projector
from ingest.settings import IngestSettings

pytestmark = pytest.mark.integration


class Watched(MinioObjectStore):
    """A store whose first copy lasts until what happens meanwhile has happened."""

    meanwhile: Callable[[str], Awaitable[object]] | None = None
    copies = 0

    async def copy(self, source: str, target: str) -> None:
        await super().copy(source, target)
        self.copies += 1
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            await meanwhile(target)


@pytest.fixture
def store(ingest: RunningIngest, ingest_settings: IngestSettings) -> Iterator[Watched]:
    kept, ingest.store = ingest.store, Watched(ingest_settings.object_store)
    yield ingest.store
    ingest.store.close()
    ingest.store = kept


@pytest.fixture
async def finding(ingest: RunningIngest, store: Watched, database: Database) -> Finding:
    assert ingest.store is store
    answer = await ingest.upload()
    return Finding(ingest, database, UUID(answer.json()["document_id"]))


async def test_the_projector_goes_on_with_the_parent_while_a_file_is_copied(
    finding: Finding, store: Watched, database: Database
) -> None:
    projector = Projector(database=database, outbox=Outbox(source="test"), clock=SystemClock())

    async def told(_key: str) -> None:
        await projector.apply(records(started(finding.document_id, Stage.ANALYZE)))

    store.meanwhile = told
    await finding.store(b"one")
    await finding.tell()

    states = await finding.ingest.rows("select state from documents order by state")
    assert [row["state"] for row in states] == ["accepted", "analyzing"]


async def test_a_cancel_while_a_file_is_copied_keeps_it_away_and_leaves_no_copy(
    finding: Finding, store: Watched
) -> None:
    async def cancelled(_key: str) -> None:
        await finding.ingest.client.post(f"/api/v1/documents/{finding.document_id}/cancel")

    store.meanwhile = cancelled
    await finding.store(b"one")
    await finding.tell()

    assert await finding.ingest.rows("select 1 from documents") == [{"?column?": 1}]
    assert original_key(finding.child(1)) not in await finding.ingest.keys()


async def test_a_copy_that_somebody_takes_away_before_the_commit_is_made_again(
    finding: Finding, store: Watched
) -> None:
    store.meanwhile = store.delete
    await finding.store(b"one")
    await finding.tell()

    assert await store.get(original_key(finding.child(1))) == b"one"
    assert store.copies == 2


async def test_equal_files_that_come_side_by_side_are_kept_once(finding: Finding) -> None:
    await finding.store(b"one", b"one", b"one")
    await finding.tell()

    kept = await finding.ingest.rows(
        f"select distinct object_key from documents where parent_id = '{finding.document_id}'"
    )
    originals = {key for key in await finding.ingest.keys() if key.startswith("originals/")}
    assert originals - {original_key(finding.document_id)} == {row["object_key"] for row in kept}
    assert len(kept) == 1


async def test_what_a_kill_left_of_a_child_that_is_not_wanted_any_more_is_removed(
    finding: Finding,
) -> None:
    await finding.ingest.client.post(f"/api/v1/documents/{finding.document_id}/cancel")
    await finding.ingest.store.put(original_key(finding.child(1)), b"left by a kill")

    await finding.store(b"one")
    await finding.tell()

    assert original_key(finding.child(1)) not in await finding.ingest.keys()


async def test_a_refused_child_leaves_the_bytes_to_a_document_that_shares_them(
    finding: Finding,
) -> None:
    await finding.store(b"one")
    await finding.tell()
    await finding.ingest.upload(b"one")
    await finding.ingest.client.delete(f"/api/v1/documents/{finding.child(1)}")
    await finding.ingest.rows("delete from tombstones returning 1")

    too_large = b"x" * (finding.ingest.settings.limits.max_file_bytes + 1)
    await finding.store(too_large, generation=2)
    await finding.tell(generation=2)

    assert await finding.ingest.store.get(original_key(finding.child(1))) == b"one"
