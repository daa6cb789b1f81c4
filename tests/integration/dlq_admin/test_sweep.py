from datetime import timedelta

import psycopg
import pytest
from prometheus_client import REGISTRY
from tests.integration.dlq_admin.conftest import Hands
from tests.integration.dlq_admin.looking import only_entry, rows
from tests.unit.dlq_admin.letters import NOON, dead

from dlq_admin.consumers.indexer import Indexer
from dlq_admin.sweep import Sweep
from dlq_admin.tables import audit
from dlq_admin.tables.audit import Deed
from docyard_common.database import Database

pytestmark = pytest.mark.integration


@pytest.fixture
def sweep(database: Database, hands: Hands) -> Sweep:
    return Sweep(database, clock=hands, history=timedelta(days=90), interval_s=1)


async def test_what_has_left_its_topic_expires_and_is_forgotten_in_the_end(
    database: Database, indexer: Indexer, sweep: Sweep, hands: Hands
) -> None:
    await indexer.apply([dead()])

    hands.time = NOON + timedelta(days=29)
    await sweep.once()
    assert (await only_entry(database))["state"] == "open"
    hands.time = NOON + timedelta(days=31)
    await sweep.once()
    assert (await only_entry(database))["state"] == "expired"
    hands.time = NOON + timedelta(days=91)
    await sweep.once()
    assert await rows(database, "select 1 from entries") == []


async def test_open_dead_letters_are_counted_for_dashboards(
    indexer: Indexer, sweep: Sweep, hands: Hands
) -> None:
    hands.time = NOON + timedelta(minutes=2)
    await indexer.apply([dead(), dead()])

    await sweep.once()

    extract = {"stage": "extract"}
    assert REGISTRY.get_sample_value("docyard_dlq_open", extract) == 2
    assert REGISTRY.get_sample_value("docyard_dlq_oldest_seconds", extract) == 120
    assert REGISTRY.get_sample_value("docyard_dlq_open", {"stage": "index"}) == 0


@pytest.mark.parametrize(
    "statement", ["update audit set actor = 'x'", "delete from audit", "truncate audit"]
)
async def test_the_audit_log_is_append_only(database: Database, statement: str) -> None:
    async with database.transaction() as tx:
        await audit.add(tx, Deed("oscar", "entry.discard", {"entry_id": "1"}))

    with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
        async with database.transaction() as tx:
            await tx.execute(statement)

    assert len(await rows(database, "select 1 from audit")) == 1
