"""The accept transaction: all or nothing, also when the database breaks in the middle."""

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from tests.integration.ingest.serving import RunningIngest, connected

from docyard_common.clock import SystemClock
from docyard_common.database import Database, Transaction
from docyard_common.errors import DependencyUnavailableError
from docyard_common.events.stages import Priority
from docyard_common.ids import uuid7
from docyard_common.outbox import Outbox
from ingest.document import NewDocument
from ingest.errors import AcceptanceUncertainError
from ingest.limits.admission import Admission
from ingest.limits.source import LimitSource
from ingest.settings import LimitSettings
from ingest.uploads.acceptance import Accepted, Acceptor

pytestmark = pytest.mark.integration


class BreakingDatabase(Database):
    """Loses the connection at COMMIT, *breaks* times: after it took effect, or before."""

    breaks = 0
    took_effect = True

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        broken = DependencyUnavailableError("database", "the connection broke")
        async with super().transaction() as tx:
            yield tx
            if self.breaks > 0 and not self.took_effect:
                self.breaks -= 1
                raise broken
        if self.breaks > 0:
            self.breaks -= 1
            raise broken


def new_document() -> NewDocument:
    return NewDocument(
        document_id=uuid7(), owner="ann", filename="a.txt", content_type="text/plain",
        size_bytes=1, sha256="0" * 64, priority=Priority.NORMAL, options={}, metadata={},
        accepted_at=datetime.now(UTC),
    )  # fmt: skip


@pytest.fixture
async def database(ingest: RunningIngest) -> AsyncIterator[BreakingDatabase]:
    breaking = BreakingDatabase(ingest.settings.database, schema="ingest", application_name="test")
    async with connected(breaking) as database:
        yield database


def acceptor(database: Database) -> Acceptor:
    source = LimitSource(database=database, settings=LimitSettings())
    admission = Admission(source=source, database=database, clock=SystemClock())
    return Acceptor(database=database, outbox=Outbox(source="ingest"), admission=admission)


async def test_accepting_twice_is_accepting_once(
    ingest: RunningIngest, database: BreakingDatabase
) -> None:
    new = new_document()

    first = await acceptor(database).accept(new, claim=None)
    second = await acceptor(database).accept(new, claim=None)

    assert first == second == Accepted(new.document_id, new.object_key)
    assert len(await ingest.outbox()) == 2


@pytest.mark.parametrize("took_effect", [True, False])
async def test_a_connection_that_breaks_at_the_commit_accepts_exactly_once(
    ingest: RunningIngest, database: BreakingDatabase, *, took_effect: bool
) -> None:
    new = new_document()
    database.breaks, database.took_effect = 1, took_effect

    assert await acceptor(database).accept(new, claim=None) == Accepted(
        new.document_id, new.object_key
    )

    assert len(await ingest.rows("select * from documents")) == 1
    assert len(await ingest.outbox()) == 2


async def test_a_commit_that_stays_unknown_is_called_uncertain(
    database: BreakingDatabase,
) -> None:
    database.breaks = 100

    with pytest.raises(AcceptanceUncertainError):
        await acceptor(database).accept(new_document(), claim=None)


async def test_a_database_that_refuses_the_write_is_no_uncertainty(
    ingest: RunningIngest, database: BreakingDatabase
) -> None:
    await database.close()

    with pytest.raises(DependencyUnavailableError) as refused:
        await acceptor(database).accept(new_document(), claim=None)

    assert not isinstance(refused.value, AcceptanceUncertainError)
    assert await ingest.is_empty()
