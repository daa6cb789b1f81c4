"""Large files by the SDK while the store or the whole network is away: nothing is sent twice."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.fault.store_proxy import StoreProxy
from tests.integration.ingest.chunks import MIB, PART, text
from tests.integration.ingest.serving import RunningIngest, running

from docyard import AsyncClient, Client, Endpoints, RetryPolicy, UnreachableError, UploadPolicy
from docyard.uploads import OnBytes
from ingest.settings import IngestSettings, UploadSettings

pytestmark = pytest.mark.integration

DATA = text(2 * PART + 3 * MIB)
RETRY = RetryPolicy(attempts=2, first_delay_s=0.0)


@contextmanager
def way_to(endpoint: str) -> Iterator[StoreProxy]:
    proxy = StoreProxy(endpoint)
    try:
        yield proxy
    finally:
        proxy.close()


@dataclass
class Place:
    """An ingest and its store, each at the end of a way that can be cut."""

    ingest: RunningIngest
    to_store: StoreProxy
    to_ingest: StoreProxy
    notes: Path

    def policy(self) -> UploadPolicy:
        return UploadPolicy(chunked_above_bytes=MIB, parallel_parts=1, resume_folder=self.notes)

    def endpoints(self) -> Endpoints:
        url = f"http://{self.to_ingest.endpoint}"
        token = self.ingest.client.headers["authorization"].removeprefix("Bearer ")
        return Endpoints(url, url, url, token=token)

    def client(self) -> AsyncClient:
        return AsyncClient(self.endpoints(), retry=RETRY, uploads=self.policy())

    def ways(self, names: Sequence[str]) -> list[StoreProxy]:
        return [{"store": self.to_store, "ingest": self.to_ingest}[name] for name in names]

    async def modes(self) -> list[tuple[str, str]]:
        rows = await self.ingest.rows("select mode, state from uploads order by upload_id")
        return [(row["mode"], row["state"]) for row in rows]


@pytest.fixture
async def place(ingest_settings: IngestSettings, tmp_path: Path) -> AsyncIterator[Place]:
    with way_to(ingest_settings.object_store.endpoint) as to_store:
        public = {"public_endpoint": f"http://{to_store.endpoint}"}
        changed = {
            "uploads": UploadSettings(presign_parts_above_bytes=8 * MIB),
            "object_store": ingest_settings.object_store.model_copy(update=public),
        }
        async with running(ingest_settings.model_copy(update=changed)) as ingest:
            with way_to(f"127.0.0.1:{ingest.port}") as to_ingest:
                yield Place(ingest, to_store, to_ingest, tmp_path / "notes")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "long.txt"
    path.write_bytes(DATA)
    return path


def cutting(ways: Sequence[StoreProxy], *, behind: int) -> OnBytes:
    """Return what cuts the *ways* as soon as more than *behind* bytes have been sent."""

    def on_bytes(sent: int) -> None:
        if sent > behind:
            for way in ways:
                way.go_away()

    return on_bytes


async def break_off(place: Place, file: Path, names: Sequence[str], *, behind: int) -> None:
    """Begin to send *file*, and lose the ways of those *names* for the rest of that run."""
    ways = place.ways(names)
    async with place.client() as client:
        with pytest.raises(UnreachableError):
            await client.upload(file, on_bytes=cutting(ways, behind=behind))
    for way in ways:
        way.come_back()


@pytest.mark.parametrize("names", [("store",), ("store", "ingest")])
async def test_what_lies_in_the_store_outlives_a_lost_way(
    place: Place, file: Path, names: Sequence[str]
) -> None:
    """The next run sends only what is missing, whatever was out of reach."""
    await break_off(place, file, names, behind=PART + MIB)

    told: list[int] = []
    async with place.client() as client:
        done = await client.upload(file, on_bytes=told.append)

    assert (told[0], done.via) == (PART, "presigned")
    assert await place.modes() == [("presigned", "completed")]


async def test_a_store_that_stays_away_over_a_run_costs_nothing_either(
    place: Place, file: Path
) -> None:
    await break_off(place, file, ["store"], behind=PART + MIB)

    await break_off(place, file, ["store"], behind=0)

    async with place.client() as client:
        told: list[int] = []
        await client.upload(file, on_bytes=told.append)
    assert told[0] == PART
    assert await place.modes() == [("presigned", "completed")]


async def test_a_file_without_a_part_in_the_store_does_not_give_up_one_that_has(
    place: Place, file: Path
) -> None:
    """The other file goes through ingest in the same run, and says nothing of this one."""
    other = file.with_name("other.txt")
    other.write_bytes(DATA[::-1])
    await break_off(place, file, ["store"], behind=PART + MIB)

    place.to_store.go_away()
    async with place.client() as client:
        done = await client.upload(other)
        with pytest.raises(UnreachableError):
            await client.upload(file)

    assert done.via == "chunked"
    assert ("presigned", "open") in await place.modes()


async def test_an_upload_that_nobody_could_be_told_to_cancel_goes_on(
    place: Place, file: Path
) -> None:
    """Nothing of it lies in the store, and yet a second upload beside it helps nobody."""
    await break_off(place, file, ["store", "ingest"], behind=0)

    async with place.client() as client:
        await client.upload(file)

    assert await place.modes() == [("presigned", "completed")]


@asynccontextmanager
async def out_of_order() -> AsyncIterator[tuple[str, int]]:
    """Serve what answers 503 to everything: a store that is only just starting."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        _, _, length = head.lower().partition(b"content-length:")
        await reader.readexactly(int(length.split()[0] if length else 0))
        writer.write(b"HTTP/1.1 503 Not Yet\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()


async def test_a_store_that_says_not_yet_keeps_what_it_has(place: Place, file: Path) -> None:
    await break_off(place, file, ["store"], behind=PART + MIB)

    async with out_of_order() as address, place.client() as client:
        place.to_store._behind = address  # noqa: SLF001 - the same way leads to a store that starts
        with pytest.raises(UnreachableError, match="Service Unavailable"):
            await client.upload(file)

    assert await place.modes() == [("presigned", "open")]


async def test_the_synchronous_client_keeps_what_lies_in_the_store(
    place: Place, file: Path
) -> None:
    await break_off(place, file, ["store", "ingest"], behind=PART + MIB)
    told: list[int] = []

    def send() -> str:
        with Client(place.endpoints(), retry=RETRY, uploads=place.policy()) as client:
            return str(client.upload(file, on_bytes=told.append).via)

    assert await asyncio.to_thread(send) == "presigned"
    assert told[0] == PART
