"""What a child sends of a container's files is stored under numbers, within the budget."""

import asyncio
import hashlib
from collections.abc import Sequence
from uuid import UUID

import pytest
from tests.waiting import eventually

from docyard_common import artifacts
from docyard_common.artifacts import Member, MemberList, SkipReason
from docyard_common.errors import DependencyUnavailableError
from docyard_common.events.stages import Stage
from docyard_common.ids import child_id
from docyard_common.media_types import MediaType
from docyard_common.storage import InMemoryObjectStore
from docyard_common.work.model import WorkKey
from processor.handlers.members import MemberStore
from processor.sandbox.errors import ChildCrashedError
from processor.stages.task import Budget, FoundMember, MemberData

MIB = 1024 * 1024
DOCUMENT = UUID("0197a3c4-5b6d-7e8f-8a9b-0c1d2e3f4a5b")
KEY = WorkKey(DOCUMENT, 2, Stage.EXTRACT)


def found(
    position: int, kind: MediaType = MediaType.TEXT, skipped: SkipReason | None = None
) -> FoundMember:
    return FoundMember(
        position=position,
        path=f"../{position}",
        filename=f"{position}.txt",
        media_type=None if skipped else kind,
        skipped=skipped,
    )


def store(
    objects: InMemoryObjectStore, *, members: int = 100, size_bytes: int = 100 * MIB
) -> MemberStore:
    return MemberStore(objects, key=KEY, budget=Budget(members, size_bytes))


async def listed(objects: InMemoryObjectStore) -> tuple[Member, ...]:
    data = await objects.get(artifacts.members_key(DOCUMENT, 2))
    return artifacts.load(MemberList, data).members


async def test_files_are_hashed_and_listed_under_their_numbers() -> None:
    objects = InMemoryObjectStore()
    members = store(objects)

    for piece in (b"he", b"llo"):
        await members.take(MemberData(3, piece))
    await members.take(found(3))
    await members.close()

    [member] = await listed(objects)
    assert await objects.get(member.key) == b"hello"
    assert member.key.endswith("/members/0000003")
    assert (member.size_bytes, member.sha256) == (5, hashlib.sha256(b"hello").hexdigest())


async def test_a_large_file_goes_in_parts() -> None:
    objects = InMemoryObjectStore()
    members = store(objects)
    data = bytes(range(256)) * 4096 * 20

    for start in range(0, len(data), MIB):
        await members.take(MemberData(1, data[start : start + MIB]))
    await members.take(found(1))
    await members.close()

    [member] = await listed(objects)
    assert await objects.get(member.key) == data
    assert member.sha256 == hashlib.sha256(data).hexdigest()


async def test_a_file_that_is_given_up_leaves_nothing() -> None:
    objects = InMemoryObjectStore()
    members = store(objects)

    for _ in range(20):
        await members.take(MemberData(1, bytes(MIB)))
    await members.take(found(1, skipped=SkipReason.TOO_LARGE))

    assert await members.close() is None
    assert [stat.key async for stat in objects.list("")] == []
    assert await objects.open_multiparts("") == []


@pytest.mark.parametrize("end", ["error", "cancel"])
async def test_a_run_that_ends_inside_a_large_file_leaves_no_open_upload(end: str) -> None:
    objects = InMemoryObjectStore()
    members = store(objects)
    silent = asyncio.Event()

    async def run() -> None:
        for _ in range(20):
            await members.take(MemberData(1, bytes(MIB)))
        silent.set()
        if end == "error":
            raise ChildCrashedError("it died")
        await asyncio.Event().wait()

    running = asyncio.create_task(run())
    await silent.wait()
    begun = await objects.open_multiparts("")
    running.cancel()
    await asyncio.wait([running])
    await eventually(lambda: is_empty(objects))

    assert len(begun) == 1


async def test_a_file_that_the_store_did_not_take_to_its_end_is_aborted() -> None:
    objects = Failing()
    members = store(objects)

    async def run() -> None:
        for _ in range(20):
            await members.take(MemberData(1, bytes(MIB)))
        await members.take(found(1))

    with pytest.raises(DependencyUnavailableError):
        await asyncio.create_task(run())

    await eventually(lambda: is_empty(objects))


async def is_empty(objects: InMemoryObjectStore) -> bool:
    return not await objects.open_multiparts("")


class Failing(InMemoryObjectStore):
    """Goes away before an upload is completed."""

    async def complete_multipart(
        self, key: str, upload_id: str, parts: Sequence[tuple[int, str]]
    ) -> None:
        raise DependencyUnavailableError("object_store", f"{key}/{upload_id}: {len(parts)}")


async def test_a_child_that_sends_more_than_it_may_is_taken_for_crashed() -> None:
    members = store(InMemoryObjectStore(), members=1, size_bytes=10)
    await members.take(MemberData(1, b"x"))
    await members.take(found(1))

    with pytest.raises(ChildCrashedError):
        await members.take(MemberData(2, b"x"))
    with pytest.raises(ChildCrashedError):
        await store(InMemoryObjectStore(), size_bytes=10).take(MemberData(1, bytes(9 * MIB)))
    with pytest.raises(ChildCrashedError):
        await store(InMemoryObjectStore()).take(found(1))


async def test_what_is_left_is_divided_over_the_containers_inside_by_their_size() -> None:
    objects = InMemoryObjectStore()
    members = store(objects, members=13, size_bytes=1_000)

    for position, (kind, size) in enumerate(
        [(MediaType.ZIP, 300), (MediaType.EML, 100), (MediaType.TEXT, 200)], start=1
    ):
        await members.take(MemberData(position, bytes(size)))
        await members.take(found(position, kind))
    await members.close()

    shares = [(member.members_left, member.bytes_left) for member in await listed(objects)]
    assert shares == [(8, 300), (3, 100), (0, 0)]


def test_a_childs_id_is_made_from_its_parent_and_its_place() -> None:
    first, again, second = (child_id(DOCUMENT, position) for position in (1, 1, 2))

    assert first == again != second
    assert (first.version, first.int >> 80) == (7, DOCUMENT.int >> 80)
    assert child_id(first, 1) != first
