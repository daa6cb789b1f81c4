"""An equal document's result is taken over while it is whole, and never somebody else's."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from tests.integration.work.orders import order

from docyard_common import artifacts
from docyard_common.analysis import Analysis
from docyard_common.artifacts import ExtractManifest, Page, PageBatch
from docyard_common.database import Database
from docyard_common.delivery.ladder import Mode
from docyard_common.delivery.outcome import Done
from docyard_common.errors import ObjectMissingError
from docyard_common.events import codec, sequence, topics
from docyard_common.events.documents import DocumentDeleted, StageFinished
from docyard_common.events.envelope import Event
from docyard_common.events.stages import Priority, Stage
from docyard_common.events.work import Lineage, RemovalRequested, StageRequested
from docyard_common.ids import uuid7
from docyard_common.kafka.received import ReceivedRecord
from docyard_common.outbox import Outbox
from docyard_common.settings import ObjectStoreSettings
from docyard_common.storage import MinioObjectStore
from docyard_common.work import intake, picking
from docyard_common.work.model import Lease
from processor.commands import Commands
from processor.handlers.reusing import Reusing
from processor.holds import Holds
from processor.reuse.recipe import Recipes
from processor.settings import ProcessorSettings
from processor.settle import Settlement

pytestmark = pytest.mark.integration
RECIPES = Recipes({"pipeline_version": 1})


class Bench:
    """What validate and the settlement are given; documents without slots."""

    def __init__(self, database: Database, objects: MinioObjectStore) -> None:
        self.database = database
        self.objects = objects
        self.outbox = Outbox(source="test")

    async def lease(self, request: StageRequested) -> Lease:
        work = order(
            request.document_id,
            stage=request.stage,
            owner=request.owner,
            generation=request.generation,
        )
        async with self.database.transaction() as tx:
            await intake.take(tx, [work])
            leases = await picking.pick(
                tx, request.stage, tuple(Priority), worker="w", lease_s=60, limit=50
            )
        return next(one for one in leases if one.key.document_id == request.document_id)

    async def settle(
        self, request: StageRequested, outcome: Done, *, mode: Mode = Mode.STANDARD
    ) -> None:
        lease = await self.lease(request)
        lease.meter.mode = mode
        settlement = Settlement(database=self.database, outbox=self.outbox, recipes=RECIPES)
        await settlement.settle(lease, request, outcome, announced=True)

    async def whole(self, request: StageRequested, *, members: bool = False) -> None:
        """Have *request*'s document processed to its end, with real artifacts."""
        await self.put(request.document_id, request.generation, members=members)
        for stage in Stage:
            work = request.model_copy(update={"stage": stage, "recipe": RECIPES.write(request)})
            await self.settle(work, Done(pages_total=1))

    async def put(self, document_id: UUID, generation: int, *, members: bool = False) -> None:
        key = artifacts.pages_key(document_id, generation, first=1, last=1)
        await self.objects.put(key, artifacts.dump_pages([Page(number=1, text="hello")]))
        thumbnail = artifacts.thumbnail_key(document_id, generation)
        await self.objects.put(thumbnail, b"RIFFwebp")
        listed = artifacts.members_key(document_id, generation)
        manifest = ExtractManifest(
            media_type="text/plain", page_count=1, characters=5, extractor="text",
            batches=(PageBatch(first=1, last=1, key=key),), thumbnail_key=thumbnail,
            members_key=listed if members else None,
        )  # fmt: skip
        analysis = Analysis(language="en", language_confidence=1.0)
        for stage, artifact in ((Stage.EXTRACT, manifest), (Stage.ANALYZE, analysis)):
            name = artifacts.manifest_key(document_id, generation, stage)
            await self.objects.put(name, artifacts.dump(artifact))

    async def find(
        self, request: StageRequested, *, recipes: Recipes = RECIPES, enabled: bool = True
    ) -> Done | None:
        reusing = Reusing(
            database=self.database, objects=self.objects, recipes=recipes, enabled=enabled
        )
        return await reusing.find(await self.lease(request), request)

    async def obey(self, event: Event, topic: str) -> None:
        holds = Holds([], database=self.database)
        commands = Commands(database=self.database, outbox=self.outbox, holds=holds)
        record = codec.encode(event, topic=topic, source="ingest")
        headers = tuple(record.headers)
        await commands.apply([ReceivedRecord(topic, 0, 0, 0, record.key, record.value, headers)])

    async def has_manifest(self, request: StageRequested) -> bool:
        try:
            await self.objects.get(artifacts.manifest_key(request.document_id, 1, "extract"))
        except ObjectMissingError:
            return False
        return True


@pytest.fixture
def bench(database: Database, objects: MinioObjectStore) -> Bench:
    return Bench(database, objects)


def request(**changed: Any) -> StageRequested:
    made = order(owner="ann").request
    return made.model_copy(update={"object_key": "originals/shared", **changed})


def another(first: StageRequested, **changed: Any) -> StageRequested:
    return first.model_copy(update={"document_id": uuid7(), **changed})


async def test_an_equal_document_takes_over_all_but_the_index(bench: Bench) -> None:
    first = request()
    await bench.whole(first)
    second = another(first, filename="other.txt")

    done = await bench.find(second)

    assert done is not None
    assert done.reuse is not None
    assert done.reuse.source == first.document_id
    assert (done.pages_total, done.content_type, done.language) == (1, "text/plain", "en")
    data = await bench.objects.get(artifacts.manifest_key(second.document_id, 1, "extract"))
    manifest = artifacts.load(ExtractManifest, data)
    assert manifest.batches[0].key == artifacts.pages_key(second.document_id, 1, first=1, last=1)
    assert artifacts.load_pages(await bench.objects.get(manifest.batches[0].key))[0].text == "hello"
    assert manifest.thumbnail_key is not None
    assert await bench.objects.get(manifest.thumbnail_key) == b"RIFFwebp"
    assert await bench.objects.get(artifacts.manifest_key(second.document_id, 1, "analyze"))


async def test_what_was_taken_over_is_told_as_such_and_goes_on_with_the_index(
    bench: Bench,
) -> None:
    first = request()
    await bench.whole(first)
    second = another(first)
    async with bench.database.transaction() as tx:
        await tx.execute("truncate outbox")
        await tx.execute("delete from work")
    done = await bench.find(second)
    assert done is not None
    async with bench.database.transaction() as tx:
        await tx.execute("update work set state = 'waiting'")

    await bench.settle(second, done)

    facts = await told(bench)
    finished = [fact for fact in facts if isinstance(fact, StageFinished)]
    assert [fact.stage for fact in finished] == [Stage.VALIDATE, Stage.EXTRACT, Stage.ANALYZE]
    assert {fact.reused_from for fact in finished} == {first.document_id}
    assert [fact.seq for fact in finished] == sorted({fact.seq for fact in finished})
    (work,) = [fact for fact in facts if isinstance(fact, StageRequested)]
    assert (work.stage, work.language, work.recipe) == (Stage.INDEX, "en", RECIPES.write(second))
    assert (
        finished[-1].seq
        < work.seq
        == sequence.position(generation=1, stage=Stage.INDEX, fence=0, tick=0)
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"owner": "bob"},
        {"sha256": "1" * 64},
        {"options": {"ocr": True}},
        {"filename": "a.md"},
        {"content_type": "text/csv"},
        {"options": {"reuse": False}},
        {"generation": 2},
    ],
    ids=str,
)
async def test_nothing_else_is_equal(bench: Bench, changed: Mapping[str, Any]) -> None:
    first = request()
    await bench.whole(first)

    assert await bench.find(another(first, **changed)) is None


async def test_other_code_other_settings_and_a_switch_make_it_anew(bench: Bench) -> None:
    first = request()
    await bench.whole(first)

    assert await bench.find(another(first), recipes=Recipes({"pipeline_version": 2})) is None
    assert await bench.find(another(first), enabled=False) is None


@pytest.mark.parametrize(
    "last", [Done(with_errors=True), Done()], ids=["unread pages", "another mode"]
)
async def test_what_is_less_than_promised_is_not_offered(bench: Bench, last: Done) -> None:
    first = request()
    await bench.put(first.document_id, 1)
    index = first.model_copy(update={"stage": Stage.INDEX, "recipe": RECIPES.write(first)})
    await bench.settle(index, last, mode=Mode.STANDARD if last.with_errors else Mode.CAREFUL)

    assert await bench.find(another(first)) is None


async def test_a_deleted_document_is_not_offered(bench: Bench) -> None:
    first = request()
    await bench.whole(first)
    deleted = DocumentDeleted(
        document_id=first.document_id, owner="ann", generation=1,
        seq=sequence.terminal(1), deleted_at=datetime.now(UTC),
    )  # fmt: skip
    await bench.obey(deleted, topics.EVENTS)

    assert await bench.find(another(first)) is None


async def test_a_further_generation_is_offered_in_the_place_of_the_one_before(
    bench: Bench,
) -> None:
    first = request()
    await bench.whole(first)
    await bench.whole(first.model_copy(update={"generation": 2}))
    removal = RemovalRequested(
        document_id=first.document_id, below_generation=2, requested_at=datetime.now(UTC)
    )
    await bench.obey(removal, topics.COMMANDS)
    await bench.objects.delete_prefix(artifacts.document_prefix(first.document_id) + "1/")
    second = another(first)

    assert await bench.find(second) is not None
    assert await bench.has_manifest(second)


async def test_a_generation_whose_artifacts_are_going_is_offered_no_more(bench: Bench) -> None:
    first = request()
    await bench.whole(first)
    removal = RemovalRequested(
        document_id=first.document_id, below_generation=2, requested_at=datetime.now(UTC)
    )
    await bench.obey(removal, topics.COMMANDS)

    assert await bench.find(another(first)) is None


async def test_a_result_that_loses_an_object_while_it_is_copied_leaves_nothing_to_read(
    bench: Bench,
) -> None:
    first = request()
    await bench.whole(first)
    await bench.objects.delete(artifacts.pages_key(first.document_id, 1, first=1, last=1))
    second = another(first)

    assert await bench.find(second) is None
    assert not await bench.has_manifest(second)


class Staggered(MinioObjectStore):
    """Copies everything else only after one copy has failed."""

    def __init__(self, settings: ObjectStoreSettings, *, failing: str) -> None:
        super().__init__(settings)
        self._failing = failing
        self._failed = asyncio.Event()
        self.copied: list[str] = []

    async def copy(self, source: str, target: str) -> None:
        if source == self._failing:
            self._failed.set()
        await self._failed.wait()
        await super().copy(source, target)
        self.copied.append(source)


async def test_a_copy_under_way_ends_before_the_failure_of_another_is_told(
    database: Database, object_store_settings: ObjectStoreSettings
) -> None:
    first = request()
    lost = artifacts.pages_key(first.document_id, 1, first=1, last=1)
    store = Staggered(object_store_settings, failing=lost)
    bench = Bench(database, store)
    await bench.whole(first)
    await store.delete(lost)

    assert await bench.find(another(first)) is None
    assert store.copied == [artifacts.thumbnail_key(first.document_id, 1)]
    store.close()


async def test_the_next_equal_one_is_taken_where_the_newest_is_lost(bench: Bench) -> None:
    first = request()
    await bench.whole(first)
    newest = another(first)
    await bench.whole(newest)
    await bench.objects.delete_prefix(artifacts.document_prefix(newest.document_id))

    done = await bench.find(another(first))

    assert done is not None
    assert done.reuse is not None
    assert done.reuse.source == first.document_id


async def test_bytes_of_its_own_are_held_to_what_was_accepted(bench: Bench) -> None:
    first = request()
    await bench.whole(first)
    second = another(first, object_key="originals/own")
    await bench.objects.put("originals/own", b"something else")

    assert await bench.find(second) is None
    assert not await bench.has_manifest(second)


async def test_a_container_is_unfolded_again_for_children_of_its_own(bench: Bench) -> None:
    first = request(filename="a.zip", content_type="application/zip")
    await bench.whole(first, members=True)

    assert await bench.find(another(first)) is None


def test_what_may_come_out_of_a_container_is_a_part_of_its_recipe() -> None:
    inside = Lineage(parent_id=uuid7(), depth=1, members_left=3, bytes_left=9)
    elsewhere = inside.model_copy(update={"parent_id": uuid7()})
    fuller = inside.model_copy(update={"members_left": 4})
    mail = request(content_type="message/rfc822", lineage=inside)

    recipe = RECIPES.write(mail)
    assert RECIPES.write(mail.model_copy(update={"lineage": elsewhere})) == recipe
    assert RECIPES.write(mail.model_copy(update={"lineage": fuller})) != recipe


def test_settings_that_decide_what_is_read_are_a_part_of_a_recipe() -> None:
    settings = ProcessorSettings()
    german = settings.model_copy(
        update={"child": settings.child.model_copy(update={"ocr_language": "deu"})}
    )

    wanted = request()
    same, other = (Recipes.of_settings(each).write(wanted) for each in (settings, german))
    assert Recipes.of_settings(settings).write(wanted) == same != other


async def told(bench: Bench) -> list[Event]:
    async with bench.database.transaction() as tx:
        rows = await (await tx.execute("select * from outbox order by id")).fetchall()
    return [
        codec.decode(row["value"], [(n, bytes(v)) for n, v in zip_headers(row)]) for row in rows
    ]


def zip_headers(row: Mapping[str, Any]) -> list[tuple[str, bytes]]:
    names = [bytes(name).decode() for name in row["header_names"]]
    return list(zip(names, row["header_values"], strict=True))
