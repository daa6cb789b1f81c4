"""Claims of folder jobs that are older than the rule that they go with their documents."""

from pathlib import Path
from runpy import run_path
from uuid import UUID

import pytest
from tests.integration.ingest.serving import RunningIngest

import ingest as service
from docyard_common.ids import uuid7

pytestmark = pytest.mark.integration

REVISION = Path(service.__file__).parent / "migrations" / "0015_claims_of_deleted_documents.py"
DAY = 86_400_000 << 80


async def test_claims_without_a_document_go_once_they_are_a_day_old(ingest: RunningIngest) -> None:
    await ingest.upload()
    under_way, abandoned, living = (UUID(int=uuid7().int - age * DAY) for age in (0, 2, 2))
    await ingest.rows(
        "insert into documents select (jsonb_populate_record(accepted, "
        f"jsonb_build_object('document_id', '{living}'))).* from documents accepted returning 1"
    )
    for claimed in (under_way, abandoned, living):
        await ingest.rows(
            f"insert into sync_documents values ('ann', '{claimed}', 'x', '{claimed}') returning 1"
        )

    await ingest.rows(run_path(str(REVISION))["FORGET"] + " returning 1")

    kept = await ingest.rows("select document_id from sync_documents")
    assert {row["document_id"] for row in kept} == {under_way, living}
