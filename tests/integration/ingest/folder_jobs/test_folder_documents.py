"""Files of folder jobs become documents: once for each content, and again once they are deleted."""

from pathlib import Path

import pytest
from tests.integration.ingest.folder_jobs.operating import FolderClient, age, write
from tests.waiting import eventually

pytestmark = pytest.mark.integration


async def test_files_become_documents_once_for_each_content(
    folders: FolderClient, papers: Path
) -> None:
    path = write(papers, "a.txt", b"first")
    write(papers, "twin.txt", b"first")
    write(papers, "b.exe", b"MZ")
    write(papers, "empty.txt", b"")
    upload_id = await folders.start(
        papers, process=True, watch=True, owner="ann", destination_bucket=None
    )
    job = await folders.ended(upload_id)

    files = await folders.files(upload_id)
    reasons = {path: file["failure_reason"] for path, file in files.items()}
    assert reasons == {
        "a.txt": None,
        "twin.txt": None,
        "b.exe": "UNSUPPORTED_TYPE",
        "empty.txt": "EMPTY_FILE",
    }
    assert job["destination_bucket"] is None
    first = files["a.txt"]["document_id"]
    document = (await folders.ingest.client.get(f"/api/v1/documents/{first}")).json()
    assert (document["filename"], document["priority"]) == ("a.txt", "low")
    assert document["metadata"] == {"folder_job": {"upload_id": upload_id, "path": "a.txt"}}
    original = await folders.ingest.client.get(f"/api/v1/documents/{first}/original")
    assert original.content == b"first"

    age(path, by_s=30)  # touched, but the same

    async def has_seen_it() -> bool:
        return bool((await folders.get(upload_id))["passes"] == 2)

    await eventually(has_seen_it)
    await folders.ended(upload_id)
    assert len(await folders.ingest.rows("select * from documents")) == 2

    path.write_bytes(b"second")

    async def is_new_document() -> bool:
        return bool((await folders.files(upload_id))["a.txt"]["document_id"] != first)

    await eventually(is_new_document)
    assert len(await folders.ingest.rows("select * from documents")) == 3
    # A second job knows what was made of these files.
    await folders.sync(papers, process=True, owner="ann", destination_bucket=None)
    assert len(await folders.ingest.rows("select * from documents")) == 3


async def test_a_document_that_was_deleted_is_made_anew_by_another_job(
    folders: FolderClient, papers: Path
) -> None:
    write(papers, "a.txt", b"first")
    wanted = {"process": True, "owner": "ann"}
    job = await folders.sync(papers, **wanted)
    first = (await folders.files(job["upload_id"]))["a.txt"]["document_id"]
    assert await folders.stored() == {"a.txt": b"first"}
    await folders.ingest.client.delete(f"/api/v1/documents/{first}")

    job = await folders.sync(papers, **wanted)

    second = (await folders.files(job["upload_id"]))["a.txt"]["document_id"]
    assert second not in {None, first}
    answer = await folders.ingest.client.get(f"/api/v1/documents/{second}/original")
    assert answer.content == b"first"


async def test_a_document_that_was_deleted_long_ago_comes_under_another_id(
    folders: FolderClient, papers: Path
) -> None:
    write(papers, "a.txt")
    wanted = {"process": True, "owner": "ann", "destination_bucket": None}
    job = await folders.sync(papers, **wanted)
    first = (await folders.files(job["upload_id"]))["a.txt"]["document_id"]
    await folders.ingest.client.delete(f"/api/v1/documents/{first}")
    assert len(await folders.ingest.rows("delete from tombstones returning 1")) == 1

    job = await folders.sync(papers, **wanted)

    second = (await folders.files(job["upload_id"]))["a.txt"]["document_id"]
    assert second not in {None, first}
