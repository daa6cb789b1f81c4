"""Documents that are made to hurt: each ends as it may, and no service is larger at any time."""

import asyncio
import mmap
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psutil
import pytest
from tests.e2e import watching
from tests.e2e.conftest import Person, Stack
from tests.hostile.archives import ARCHIVES, CLIMBED
from tests.hostile.model import Hostile
from tests.hostile.pdfs import PDFS
from tests.hostile.pictures import PICTURES
from tests.hostile.texts import TEXTS
from tests.waiting import eventually

from docyard import ApiError, AsyncClient
from docyard_stack.samples import pdfs

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1_800)]

FLAT_MIB = 96
"""A service streams what comes and keeps what is small: more than this would be a document."""
WAIT_S = 900
LOOK_S = 0.05


class Growth:
    """By how much processes, each alone, were larger than when the block began, at their peak."""

    def __init__(self, processes: Mapping[str, psutil.Process]) -> None:
        self._processes = processes
        self._before = self._resident()
        self._peak = self._before

    @property
    def mib(self) -> dict[str, int]:
        return self._peak.grown_mib(self._before)

    @classmethod
    @asynccontextmanager
    async def watched(cls, processes: Mapping[str, psutil.Process]) -> AsyncIterator["Growth"]:
        """Look at them during the block; one that ends meanwhile is psutil.NoSuchProcess."""
        growth = cls(processes)
        watch = asyncio.create_task(growth._watch())
        try:
            yield growth
        finally:
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch
        growth._look()

    async def _watch(self) -> None:
        while True:
            self._look()
            await asyncio.sleep(LOOK_S)

    def _look(self) -> None:
        peak = self._peak.by_service
        found = self._resident().by_service
        self._peak = watching.Resident({name: max(found[name], peak[name]) for name in found})

    def _resident(self) -> watching.Resident:
        return watching.Resident(
            {name: process.memory_info().rss for name, process in self._processes.items()}
        )


def services(stack: Stack) -> dict[str, psutil.Process]:
    return {name: watching.service(stack.data, name) for name in watching.SERVICES}


async def end_of(client: AsyncClient, name: str, data: bytes, folder: Path) -> str:
    """Return how a document ends: its state with the reason, or the code it was refused with."""
    path = folder / name
    await asyncio.to_thread(path.write_bytes, data)
    try:
        accepted = await client.upload(path)
    except ApiError as error:
        return f"refused:{error.code}"
    await client.wait([accepted.document_id], timeout_s=WAIT_S)
    document = await client.documents.get(accepted.document_id)
    return f"{document.state}:{document.error.code}" if document.error else str(document.state)


async def made_end(client: AsyncClient, one: Hostile, folder: Path) -> str:
    return await end_of(client, one.name, await asyncio.to_thread(one.make), folder)


@pytest.mark.parametrize(
    "kind", [ARCHIVES, PDFS, PICTURES, TEXTS], ids=["archives", "pdfs", "pictures", "texts"]
)
async def test_what_is_made_to_hurt_ends_in_a_state_that_has_a_name(
    kind: tuple[Hostile, ...], person: Person, stack: Stack, tmp_path: Path
) -> None:
    async with Growth.watched(services(stack)) as growth, person.client() as client:
        # Side by side: most of their time is the wait between two attempts.
        found = await asyncio.gather(*(made_end(client, one, tmp_path) for one in kind))
        ends = dict(zip((one.name for one in kind), found, strict=True))

    assert {one.name: ends[one.name] for one in kind if ends[one.name] not in one.ends} == {}
    assert {name: mib for name, mib in growth.mib.items() if mib > FLAT_MIB} == {}
    await watching.no_helper_left(stack.data)


async def test_memory_that_is_given_back_was_used() -> None:
    async with Growth.watched({"here": psutil.Process()}) as growth:
        with mmap.mmap(-1, 64 * watching.MIB) as held:
            held.write(b"x" * 64 * watching.MIB)
            await eventually(lambda: growth.mib["here"] > 48)

    assert growth.mib["here"] > 48


def climbed_out() -> list[Path]:
    return list(Path(tempfile.gettempdir()).glob(CLIMBED))


async def test_nothing_climbs_out_of_an_archive(person: Person, tmp_path: Path) -> None:
    climbing = [one for one in ARCHIVES if one.name.startswith("climbing")]
    async with person.client() as client, person.http() as http:
        for one in climbing:
            await end_of(client, one.name, one.make(), tmp_path)
        answer = await http.get("/api/v1/documents", params={"limit": 100})

    names = {item["filename"] for item in answer.json()["items"]}
    assert CLIMBED in names
    assert [name for name in names if "/" in name or "\\" in name or name.startswith(".")] == []
    assert climbed_out() == []


async def test_two_thousand_pages_are_read_to_the_last(
    person: Person, stack: Stack, tmp_path: Path
) -> None:
    sample = pdfs.pdf(tmp_path / "long.pdf", pages=2000, seed=7)
    watched = Growth.watched(services(stack))
    async with watched as growth, person.client() as client, person.http() as http:
        accepted = await client.upload(sample.path)
        await client.wait([accepted.document_id], timeout_s=WAIT_S)
        last = await http.get(f"/api/v1/documents/{accepted.document_id}/pages/2000")

    assert sample.page_words[-1] in last.json()["text"]
    assert {name: mib for name, mib in growth.mib.items() if mib > FLAT_MIB} == {}
