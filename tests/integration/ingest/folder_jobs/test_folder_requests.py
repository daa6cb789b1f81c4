"""Requests about folder jobs that are refused: the code says why, and nothing is left."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.ingest.folder_jobs.operating import UPLOADS, FolderClient, write
from tests.integration.ingest.serving import running

from ingest.settings import IngestSettings, SyncSettings

pytestmark = pytest.mark.integration


@pytest.fixture
async def folders(ingest_settings: IngestSettings, tmp_path: Path) -> AsyncIterator[FolderClient]:
    (tmp_path / "root" / "papers").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    sync = SyncSettings(roots=str(tmp_path / "root"))
    async with running(ingest_settings.model_copy(update={"sync": sync})) as ingest:
        yield FolderClient(ingest, "never-made-by-these-tests")


async def test_only_operators_may_ask(folders: FolderClient, tmp_path: Path) -> None:
    client = folders.ingest.client
    body = {"source_folder": str(tmp_path / "root")}

    answers = [
        await client.post(UPLOADS, json=body),
        await client.get(UPLOADS),
        await client.get(f"{UPLOADS}x"),
        await client.get(f"{UPLOADS}x/files"),
        await client.delete(f"{UPLOADS}x"),
    ]

    assert {(a.status_code, a.json()["code"]) for a in answers} == {(403, "ROLE_REQUIRED")}
    assert (await client.get(UPLOADS, headers={"Authorization": ""})).status_code == 401


async def test_bad_requests_are_refused_and_leave_nothing(
    folders: FolderClient, tmp_path: Path
) -> None:
    root = tmp_path / "root"
    write(root, "a-file.txt")
    (root / "way-out").symlink_to(tmp_path / "outside")
    own = folders.ingest.settings.object_store.bucket
    papers = str(root / "papers")
    refused: list[tuple[dict[str, Any], int, str]] = [
        ({"source_folder": str(tmp_path / "outside")}, 403, "FOLDER_NOT_ALLOWED"),
        ({"source_folder": str(tmp_path / "nowhere")}, 403, "FOLDER_NOT_ALLOWED"),
        ({"source_folder": f"{root}/../outside"}, 403, "FOLDER_NOT_ALLOWED"),
        ({"source_folder": f"{root}/way-out"}, 403, "FOLDER_NOT_ALLOWED"),
        ({"source_folder": f"{root}x"}, 403, "FOLDER_NOT_ALLOWED"),
        ({"source_folder": "papers"}, 403, "FOLDER_NOT_ALLOWED"),
        ({"source_folder": f"{root}/nowhere"}, 422, "FOLDER_MISSING"),
        ({"source_folder": f"{root}/a-file.txt"}, 422, "FOLDER_MISSING"),
        ({"source_folder": f"{root}/{'x' * 300}"}, 422, "FOLDER_MISSING"),
        ({"source_folder": papers, "processing_options": {"orc": True}}, 422, "FIELD_INVALID"),
        ({"source_folder": ""}, 422, "VALIDATION_FAILED"),
        ({"source_folder": "/a\x00b"}, 422, "VALIDATION_FAILED"),
        ({"source_folder": papers, "destination_bucket": own}, 422, "DESTINATION_INVALID"),
        ({"source_folder": papers, "destination_bucket": "No_Bucket"}, 422, "DESTINATION_INVALID"),
        ({"source_folder": papers, "destination_bucket": "10.0.0.1"}, 422, "DESTINATION_INVALID"),
        ({"source_folder": papers, "destination_prefix": "a/../b"}, 422, "DESTINATION_INVALID"),
        ({"source_folder": papers, "destination_bucket": ""}, 422, "DESTINATION_INVALID"),
        ({"source_folder": papers, "upload_id": "a/b"}, 422, "VALIDATION_FAILED"),
        ({"source_folder": papers, "pattern": "x" * 201}, 422, "VALIDATION_FAILED"),
        ({"source_folder": papers, "pattern": "a\x00"}, 422, "VALIDATION_FAILED"),
        ({"source_folder": papers, "priority": "urgent"}, 422, "VALIDATION_FAILED"),
        ({"source_folder": papers, "patern": "*"}, 422, "VALIDATION_FAILED"),
        ({}, 422, "VALIDATION_FAILED"),
    ]

    for body, status, code in refused:
        answer = await folders.ingest.client.post(UPLOADS, json=body, headers=folders.operator)
        assert (answer.status_code, answer.json()["code"]) == (status, code), body
        assert str(tmp_path) not in answer.text

    assert await folders.ingest.rows("select * from sync_jobs") == []
    client = folders.ingest.store._client  # noqa: SLF001
    assert not client.bucket_exists(f"{own}-sync")


async def test_a_job_is_its_operators_alone(folders: FolderClient, tmp_path: Path) -> None:
    upload_id = await folders.start(
        tmp_path / "root" / "papers", process=True, destination_bucket=None
    )
    other = folders.ingest.as_owner("other", roles=("operator",))
    client = folders.ingest.client

    answers = [
        await client.get(f"{UPLOADS}{upload_id}", headers=other),
        await client.get(f"{UPLOADS}{upload_id}/files", headers=other),
        await client.delete(f"{UPLOADS}{upload_id}", headers=other),
    ]

    codes = {(a.status_code, a.json()["code"]) for a in answers}
    assert codes == {(404, "FOLDER_JOB_NOT_FOUND")}
    assert (await client.get(UPLOADS, headers=other)).json()["items"] == []
    assert len((await client.get(UPLOADS, headers=folders.operator)).json()["items"]) == 1


async def test_jobs_are_listed_newest_first_page_by_page(
    folders: FolderClient, tmp_path: Path
) -> None:
    for name in ("one", "two", "three"):
        await folders.start(
            tmp_path / "root", upload_id=name, process=True, destination_bucket=None
        )
    client = folders.ingest.client

    first = (await client.get(UPLOADS, params={"limit": 2}, headers=folders.operator)).json()
    rest = (
        await client.get(UPLOADS, params={"cursor": first["next_cursor"]}, headers=folders.operator)
    ).json()
    bad = await client.get(UPLOADS, params={"cursor": "x"}, headers=folders.operator)

    names = [job["upload_id"] for job in first["items"] + rest["items"]]
    assert names == ["three", "two", "one"]
    assert bad.json()["code"] == "CURSOR_INVALID"


async def test_an_idempotency_key_makes_one_job(folders: FolderClient, tmp_path: Path) -> None:
    headers = folders.operator | {"Idempotency-Key": "k"}
    body = {"source_folder": str(tmp_path / "root"), "process": True}
    client = folders.ingest.client

    first = await client.post(UPLOADS, json=body, headers=headers)
    second = await client.post(UPLOADS, json=body, headers=headers)
    other = await client.post(UPLOADS, json=body | {"watch": True}, headers=headers)

    assert first.json()["upload_id"] == second.json()["upload_id"]
    assert second.headers["Idempotency-Replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")


async def test_a_new_key_for_a_job_that_is_there_answers_that_job_every_time(
    folders: FolderClient, tmp_path: Path
) -> None:
    body = {"source_folder": str(tmp_path / "root"), "process": True, "upload_id": "mine"}
    client = folders.ingest.client
    await client.post(UPLOADS, json=body, headers=folders.operator)
    headers = folders.operator | {"Idempotency-Key": "k"}

    answers = [await client.post(UPLOADS, json=body, headers=headers) for _ in range(2)]

    assert [one.json().get("upload_id") for one in answers] == ["mine", "mine"]


async def test_without_roots_no_folder_is_allowed(
    ingest_settings: IngestSettings, tmp_path: Path
) -> None:
    async with running(ingest_settings) as ingest:
        answer = await FolderClient(ingest, "abc").post(tmp_path)

    assert (answer.status_code, answer.json()["code"]) == (403, "FOLDER_NOT_ALLOWED")
