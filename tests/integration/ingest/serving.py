"""Ingest in the test's own process, on real sockets, over real servers."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
import psycopg
import uvicorn
from psycopg.rows import dict_row

from docyard_common.auth import mint
from docyard_common.database import Database
from docyard_common.events import codec
from docyard_common.events.envelope import Event
from docyard_common.storage import MinioObjectStore
from ingest.app import build
from ingest.settings import IngestSettings

SECRET = "a-secret-of-the-tests-that-is-long-enough"
SIMPLE = "/api/v1/documents/upload/simple"

_Database = TypeVar("_Database", bound=Database)


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@dataclass
class RunningIngest:
    """What a test needs to talk to ingest and to look behind it."""

    settings: IngestSettings
    client: httpx.AsyncClient
    store: MinioObjectStore
    port: int

    def as_owner(self, owner: str, *, roles: tuple[str, ...] = ("user",)) -> dict[str, str]:
        return {"Authorization": f"Bearer {mint(SECRET, subject=owner, roles=roles)}"}

    async def upload(
        self,
        data: bytes = b"hello world",
        *,
        name: str = "a.txt",
        headers: dict[str, str] | None = None,
        **fields: str,
    ) -> httpx.Response:
        return await self.client.post(
            SIMPLE, files={"file": (name, data)}, data=fields, headers=headers
        )

    async def rows(self, statement: str) -> list[dict[str, Any]]:
        url = self.settings.database.url.get_secret_value()
        async with await psycopg.AsyncConnection.connect(
            url, row_factory=dict_row, options="-c search_path=ingest"
        ) as connection:
            cursor = await connection.execute(statement.encode())
            return await cursor.fetchall()

    async def outbox(self) -> list[tuple[str, Event]]:
        """Topic and event of everything that waits for the relay, in order."""
        rows = await self.rows("select * from outbox order by id")
        return [(row["topic"], codec.decode(row["value"], _headers(row))) for row in rows]

    async def keys(self) -> list[str]:
        return [stat.key async for stat in self.store.list("")]

    async def is_empty(self) -> bool:
        """Whether nothing is left: no row, no outbox, no object, no open multipart upload."""
        counts = await self.rows(
            "select (select count(*) from documents) + (select count(*) from outbox)"
            " + (select count(*) from document_events) as left_over"
        )
        stored = await self.keys() or await self.store.open_multiparts("")
        return counts[0]["left_over"] == 0 and not stored


@contextlib.asynccontextmanager
async def running(settings: IngestSettings, *, owner: str = "ann") -> AsyncIterator[RunningIngest]:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    config = uvicorn.Config(build(settings), http="httptools", log_config=None, lifespan="on")
    server = _Server(config)
    serving = asyncio.create_task(server.serve([listener]))
    store = MinioObjectStore(settings.object_store)
    try:
        while not server.started:
            assert not serving.done(), "the start failed: see the log"
            await asyncio.sleep(0.01)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            ingest = RunningIngest(settings, client, store, port)
            client.headers.update(ingest.as_owner(owner))
            yield ingest
    finally:
        server.should_exit = True
        await serving
        listener.close()
        store.close()


@contextlib.asynccontextmanager
async def connected(database: _Database) -> AsyncIterator[_Database]:
    """Open a database for as long as it is used, also by a test that fails."""
    await database.open()
    try:
        yield database
    finally:
        await database.close()


def tables(settings: IngestSettings, schema: str) -> Database:
    """Return the tables of an ingest, or those of another *schema* beside them; not yet open."""
    return Database(settings.database, schema=schema, application_name="test")


def _headers(row: dict[str, Any]) -> list[tuple[str, bytes | None]]:
    return list(
        zip((name.decode() for name in row["header_names"]), row["header_values"], strict=True)
    )
