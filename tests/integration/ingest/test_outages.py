"""Dependencies that are away: a refusal that says so, and nothing left behind."""

import psycopg
import pytest
from psycopg import sql
from tests.integration.ingest.serving import RunningIngest, running
from tests.waiting import eventually

from docyard_common.settings import DatabaseSettings
from ingest.settings import IngestSettings

pytestmark = pytest.mark.integration


async def allow_connections(url: str, *, allowed: bool) -> None:
    """Open or close the database at *url*; closing throws out everybody who is connected."""
    server, _, name = url.rpartition("/")
    async with await psycopg.AsyncConnection.connect(
        f"{server}/postgres", autocommit=True
    ) as admin:
        statement = sql.SQL("alter database {} allow_connections {}")
        await admin.execute(statement.format(sql.Identifier(name), sql.Literal(allowed)))
        if not allowed:
            await admin.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (name,)
            )


async def test_uploads_need_no_kafka_and_health_says_which_part_is_away(
    ingest: RunningIngest,
) -> None:
    assert (await ingest.upload()).status_code == 202

    report = (await ingest.client.get("/health")).json()
    assert report["status"] == "degraded"
    assert report["dependencies"]["kafka"]["status"] == "down"
    assert (await ingest.client.get("/health/ready")).status_code == 200


async def test_while_the_database_is_away_no_byte_is_stored(ingest: RunningIngest) -> None:
    url = ingest.settings.database.url.get_secret_value()
    await allow_connections(url, allowed=False)
    try:
        answer = await ingest.upload()
    finally:
        await allow_connections(url, allowed=True)

    assert (answer.status_code, answer.json()["code"]) == (503, "DEPENDENCY_UNAVAILABLE")
    assert answer.json()["retryable"] is True
    assert "Retry-After" in answer.headers
    assert await ingest.keys() == []

    async def is_accepted() -> bool:
        return (await ingest.upload()).status_code == 202

    # Each connection of the pool that was lost answers once more with 503.
    await eventually(is_accepted)


async def test_a_store_that_loses_its_bucket_refuses_uploads_and_leaves_no_row(
    ingest: RunningIngest,
) -> None:
    ingest.store._client.remove_bucket(bucket_name=ingest.settings.object_store.bucket)  # noqa: SLF001

    answer = await ingest.upload()

    assert (answer.status_code, answer.json()["code"]) == (503, "DEPENDENCY_UNAVAILABLE")
    assert await ingest.rows("select * from documents") == []
    assert await ingest.rows("select * from outbox") == []


async def test_a_search_before_the_index_is_set_up_says_so(
    ingest_settings: IngestSettings, empty_database_settings: DatabaseSettings
) -> None:
    alone = ingest_settings.model_copy(update={"database": empty_database_settings})
    async with running(alone) as ingest:
        answer = await ingest.client.get("/api/v1/search", params={"q": "tax", "mode": "text"})

    assert (answer.status_code, answer.json()["code"]) == (503, "DEPENDENCY_UNAVAILABLE")
