"""Embedding again, by real children and a real database."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import pytest

from docyard_common.database import Database, alone
from docyard_common.errors import DependencyUnavailableError
from docyard_common.ids import uuid7
from docyard_common.search import (
    EMBEDDING_SIZE,
    Chunk,
    IndexedDocument,
    PostgresSearchIndex,
    SearchQuery,
)
from docyard_common.search.embedding import Embedder
from docyard_common.settings import DatabaseSettings
from processor.courtesy import Courtesy
from processor.handlers.desk import Borrow
from processor.load import Load
from processor.reembedding import Reembedder
from processor.sandbox.errors import ChildCrashedError
from processor.sandbox.limits import SandboxLimits
from processor.sandbox.nursery import Nursery
from processor.sandbox.sandbox import Sandbox
from processor.sandboxes import Sandboxes
from processor.stages.task import StageResult

pytestmark = pytest.mark.integration
MIB = 1024 * 1024
NOWHERE = [0.0] * EMBEDDING_SIZE


@pytest.fixture
async def index(database: Database) -> PostgresSearchIndex:
    return PostgresSearchIndex(database, embedding_model="new")


@pytest.fixture
async def nursery() -> AsyncIterator[Nursery]:
    nursery = Nursery()
    await nursery.start()
    yield nursery
    await nursery.close()


class Unlucky(Sandbox):
    """Its first children crash."""

    def __init__(self, limits: SandboxLimits, *, nursery: Nursery, crashes: int) -> None:
        super().__init__(limits, nursery=nursery)
        self.crashes = crashes
        self.runs = 0

    async def run(self, *args: Any, **told: Any) -> StageResult:
        self.runs += 1
        if self.runs <= self.crashes:
            raise ChildCrashedError("killed by SIGKILL")
        return await super().run(*args, **told)


class Desk:
    """Makes re-embedders whose children may use so much memory."""

    def __init__(self, nursery: Nursery, index: PostgresSearchIndex, database: Database) -> None:
        self._nursery = nursery
        self._index = index
        self._database = database

    async def round(self, limits: SandboxLimits) -> None:
        async with AsyncExitStack() as stack:
            sandboxes = Sandboxes(limits, nursery=self._nursery)
            stack.push_async_callback(sandboxes.close)
            await self.reembedder(sandboxes.borrow).round()

    def reembedder(self, borrow: Borrow) -> Reembedder:
        load = Load(throttle=0.8)
        return Reembedder(
            index=self._index,
            database=self._database,
            borrow=borrow,
            lend_folder=self._nursery.lend_folder,
            load=load,
            courtesy=Courtesy(load),
        )


def lending(*sandboxes: Sandbox) -> Borrow:
    """Lend them one after the other, and then the last one again and again."""
    left = list(sandboxes)

    @asynccontextmanager
    async def borrow() -> AsyncIterator[Sandbox]:
        yield left.pop(0) if len(left) > 1 else left[0]

    return borrow


@pytest.fixture
def desk(nursery: Nursery, index: PostgresSearchIndex, database: Database) -> Desk:
    return Desk(nursery, index, database)


async def hold(database: Database, *texts: str) -> IndexedDocument:
    """Index a document as the former model did: by vectors that mean nothing to the new one."""
    document = IndexedDocument(uuid7(), "ann", 1, "a.txt", "text/plain", "en")
    chunks = [Chunk(n, text, n + 1, n + 1, None, NOWHERE) for n, text in enumerate(texts)]
    await PostgresSearchIndex(database, embedding_model="old").replace(document, chunks)
    return document


async def test_each_chunk_gets_the_embedding_of_its_own_text(
    desk: Desk, index: PostgresSearchIndex, database: Database
) -> None:
    held = await hold(database, "The tenant pays the rent.", "A recipe for apple cake.")
    await hold(database)

    await desk.round(SandboxLimits())

    assert await index.outdated(limit=9) == []
    (asked,) = Embedder.load().embed(["a recipe for apple cake"])
    (hit,) = await index.search(SearchQuery("ann", "x", "semantic", 5), asked)
    assert (hit.document_id, hit.page_first) == (held.document_id, 2)


async def test_a_document_that_kills_its_children_is_given_up_and_the_others_go_on(
    desk: Desk, index: PostgresSearchIndex, database: Database
) -> None:
    other = await hold(database, "The tenant pays the rent.")
    deadly = await hold(database, *["word " * 200_000] * 40)

    await desk.round(SandboxLimits(memory_bytes=64 * MIB, soft_memory_bytes=64 * MIB))

    left = [each.document_id for each in await index.outdated(limit=9)]
    assert deadly.document_id in left
    assert other.document_id not in left


async def test_a_child_that_crashes_once_costs_a_document_one_round(
    desk: Desk, index: PostgresSearchIndex, database: Database, nursery: Nursery
) -> None:
    held = await hold(database, "The tenant pays the rent.")
    sandbox = Unlucky(SandboxLimits(), nursery=nursery, crashes=1)
    reembedder = desk.reembedder(lending(sandbox))

    await reembedder.round()
    after_one = [each.document_id for each in await index.outdated(limit=9)]
    await reembedder.round()

    assert (after_one, sandbox.runs) == ([held.document_id], 2)
    assert await index.outdated(limit=9) == []


async def test_a_document_is_given_up_after_the_third_failure(
    desk: Desk, database: Database, nursery: Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    await hold(database, "The tenant pays the rent.")
    sandbox = Unlucky(SandboxLimits(), nursery=nursery, crashes=9)
    reembedder = desk.reembedder(lending(sandbox))

    for _ in range(5):
        await reembedder.round()
    await sandbox.close()

    assert sandbox.runs == 3
    told = [each.message for each in caplog.records if each.message.startswith("reembedding.")]
    assert told == ["reembedding.failed", "reembedding.failed", "reembedding.given_up"]


async def test_so_many_failures_that_no_document_is_to_blame_end_the_round(
    desk: Desk, database: Database, nursery: Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("processor.reembedding._REMEMBERED", 2)
    for _ in range(4):
        await hold(database, "The tenant pays the rent.")
    sandbox = Unlucky(SandboxLimits(), nursery=nursery, crashes=99)
    reembedder = desk.reembedder(lending(sandbox))

    for _ in range(5):
        await reembedder.round()
    await sandbox.close()

    assert sandbox.runs == 2 * 3


async def test_a_sandbox_that_can_not_be_had_is_no_documents_fault(
    desk: Desk, index: PostgresSearchIndex, database: Database, nursery: Nursery
) -> None:
    await hold(database, "The tenant pays the rent.")
    away = Sandbox(SandboxLimits(), nursery=Nursery(stages="no.such.stages"))
    there = Sandbox(SandboxLimits(), nursery=nursery)
    reembedder = desk.reembedder(lending(away, away, away, there))

    for _ in range(3):
        with pytest.raises(DependencyUnavailableError, match="sandbox"):
            await reembedder.round()
    await reembedder.round()

    assert await index.outdated(limit=9) == []


async def test_a_fork_server_that_has_died_takes_no_document_with_it(
    desk: Desk, index: PostgresSearchIndex, database: Database, nursery: Nursery
) -> None:
    await hold(database, "The tenant pays the rent.")
    assert nursery.pid
    os.kill(nursery.pid, signal.SIGKILL)
    reembedder = desk.reembedder(lending(Sandbox(SandboxLimits(), nursery=nursery)))

    with suppress(DependencyUnavailableError):  # where its end is news
        await reembedder.round()
    await reembedder.round()

    assert await index.outdated(limit=9) == []


async def test_one_of_all_replicas_has_the_duty_and_gives_it_back(
    database: Database,
) -> None:
    async with (
        alone(database, "one") as first,
        alone(database, "one") as second,
        alone(database, "two") as other,
    ):
        assert (first, second, other) == (True, False, True)
    async with alone(database, "one") as again:
        assert again


async def test_without_a_database_nothing_is_decided(database_settings: DatabaseSettings) -> None:
    away = Database(database_settings, schema="x", application_name="test")

    with pytest.raises(DependencyUnavailableError):
        async with alone(away, "one"):
            pass
