"""What is due is found without reading the documents that no term is for, or that were served."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.integration.ingest.serving import RunningIngest
from tests.integration.ingest.test_retention import ended, set_terms

from docyard_common.database import Database
from ingest.tables import retention

pytestmark = pytest.mark.integration
COLUMNS = ("documents_days", "originals_days", "artifacts_days", "events_days")
LATER = datetime.now(UTC) + timedelta(days=100)
READ = """
select coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) as documents
from pg_stat_xact_user_tables where relname = 'documents' and schemaname = 'ingest'
"""


async def due(database: Database, column: str, *, default: int | None) -> tuple[list[str], int]:
    """Return the owners of what is due, and how many documents were read to find it."""
    async with database.transaction() as tx:
        # A table this small is read as a whole; a large one is not.
        await tx.execute("set local enable_seqscan = off")
        await tx.execute("set local enable_bitmapscan = off")
        found = await retention.due(tx, column, default=default, now=LATER, limit=10)
        row = await (await tx.execute(READ)).fetchone()
    return [owner for _, owner in found], int(row["documents"]) if row else 0


@pytest.mark.parametrize("column", COLUMNS)
async def test_without_a_term_no_document_is_read(
    ingest: RunningIngest, database: Database, column: str
) -> None:
    await ended(ingest)
    await set_terms(ingest, "bob", **{each: 1 for each in COLUMNS if each != column})

    assert await due(database, column, default=None) == ([], 0)


@pytest.mark.parametrize("column", COLUMNS)
async def test_without_a_default_only_documents_of_owners_with_a_term_are_read(
    ingest: RunningIngest, database: Database, column: str
) -> None:
    await ended(ingest)
    await ended(ingest, owner="bob")
    await set_terms(ingest, "bob", **{column: 30})

    assert await due(database, column, default=None) == (["bob"], 1)


@pytest.mark.parametrize(
    ("column", "served"),
    [
        ("originals_days", "original_removed_at = now()"),
        ("artifacts_days", "artifacts_removed_generation = 1"),
    ],
)
async def test_what_was_served_is_not_read_again(
    ingest: RunningIngest, database: Database, column: str, served: str
) -> None:
    await ended(ingest)
    await ingest.rows(f"update documents set {served} returning 1")
    await ended(ingest, b"another", owner="bob")

    assert await due(database, column, default=30) == (["bob"], 1)


async def test_the_term_of_an_owner_goes_before_the_default(
    ingest: RunningIngest, database: Database
) -> None:
    for owner in ("ann", "bob", "eve"):
        await ended(ingest, owner=owner)
    await set_terms(ingest, "bob", documents_days=1)
    await set_terms(ingest, "eve", originals_days=1)

    assert (await due(database, "documents_days", default=1000))[0] == ["bob"]
    assert sorted((await due(database, "documents_days", default=30))[0]) == ["ann", "bob"]
