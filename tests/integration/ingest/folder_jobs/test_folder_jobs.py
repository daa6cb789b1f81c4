"""Folder jobs over real servers: what lands where, and what becomes of what can not land."""

import hashlib
import os
import socket
from pathlib import Path
from shutil import rmtree

import pytest
from tests.integration.ingest.folder_jobs.operating import UPLOADS, FolderClient, age, write
from tests.waiting import eventually

pytestmark = pytest.mark.integration

MIB = 1024 * 1024


async def test_files_land_under_their_paths_whatever_their_size(
    folders: FolderClient, papers: Path
) -> None:
    contents = {
        "a.txt": b"hello",
        "empty.txt": b"",
        "deep/er/ümläut & space.txt": b"x" * 1000,
        "exactly-one-part.bin": os.urandom(5 * MIB),
        "large.bin": os.urandom(17 * MIB + 3),
    }
    for name, data in contents.items():
        write(papers, name, data)

    job = await folders.sync(papers)

    assert await folders.stored() == contents
    assert (job["state"], job["progress"], job["failure_reason"]) == ("COMPLETED", 1.0, None)
    assert (job["total_files"], job["completed_files"], job["failed_files"]) == (5, 5, 0)
    assert job["uploaded_bytes"] == job["total_bytes"] == sum(map(len, contents.values()))
    files = await folders.files(job["upload_id"])
    assert {file["state"] for file in files.values()} == {"UPLOADED"}
    assert files["large.bin"]["sha256"] == hashlib.sha256(contents["large.bin"]).hexdigest()
    assert files["large.bin"]["etag"].endswith("-4")
    assert await folders.ingest.rows("select * from documents") == []


async def test_an_empty_folder_is_complete(folders: FolderClient, papers: Path) -> None:
    job = await folders.sync(papers)

    assert (job["state"], job["progress"], job["total_files"]) == ("COMPLETED", 1.0, 0)


async def test_patterns_choose_files(folders: FolderClient, papers: Path) -> None:
    for name in ("a.pdf", "b.txt", "deep/c.pdf", "deep/d.md", ".hidden.pdf", ".git/e.pdf"):
        write(papers, name)

    job = await folders.sync(papers, pattern=["*.pdf", "deep/*.md"])

    assert set(await folders.stored()) == {"a.pdf", "deep/c.pdf", "deep/d.md"}
    assert job["skipped_files"] == {"hidden": 2}


async def test_what_is_no_file_with_a_name_has_its_outcome(
    folders: FolderClient, papers: Path, root: Path
) -> None:
    """As root every file can be read: what is unreadable has a test of its own."""
    secret = write(root.parent, "secret.txt")
    write(papers, "good.txt")
    write(papers, b"not-\xff-utf8.txt")
    write(papers, "line\nbreak.txt")
    (papers / "link.txt").symlink_to(secret)
    (papers / "inner.txt").symlink_to(papers / "good.txt")
    (papers / "elsewhere").symlink_to(root.parent)
    os.mkfifo(papers / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(papers / "socket"))

    job = await folders.sync(papers)

    assert set(await folders.stored()) == {"good.txt"}
    assert (job["state"], job["failure_reason"]) == ("FAILED", "FILES_FAILED")
    assert (job["completed_files"], job["failed_files"]) == (1, 2)
    assert job["skipped_files"] == {"symlink": 3, "special": 2}
    failed = await folders.files(job["upload_id"], state="FAILED")
    reasons = {path: file["failure_reason"] for path, file in failed.items()}
    assert reasons == {
        "not-\\xff-utf8.txt": "NAME_NOT_UTF8",
        "line\\x0abreak.txt": "NAME_INVALID",
    }


async def test_a_tree_deeper_than_a_key_can_be_long_fails_at_its_folder(
    folders: FolderClient, papers: Path
) -> None:
    write(papers, "good.txt")
    descriptor = os.open(papers, os.O_RDONLY)
    for _ in range(40):
        os.mkdir("d" * 100, dir_fd=descriptor)
        below = os.open("d" * 100, os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = below
    os.close(os.open("lost.txt", os.O_CREAT | os.O_WRONLY, dir_fd=descriptor))
    os.close(descriptor)

    job = await folders.sync(papers)

    assert set(await folders.stored()) == {"good.txt"}
    (failed,) = (await folders.files(job["upload_id"], state="FAILED")).values()
    assert failed["failure_reason"] == "PATH_TOO_LONG"


async def test_refused_names_that_look_alike_do_not_hold_up_the_others(
    folders: FolderClient, papers: Path
) -> None:
    write(papers, "good.txt")
    write(papers, b"a\x85")
    write(papers, "a\u0085")
    deep = "/".join(["d" * 200] * 4 + ["e" * 180])
    for name in ("f" * 80 + "1", "f" * 80 + "2"):
        write(papers, f"{deep}/{name}")

    job = await folders.sync(papers)

    assert set(await folders.stored()) == {"good.txt"}
    failed = await folders.files(job["upload_id"], state="FAILED")
    reasons = [file["failure_reason"] for file in failed.values()]
    assert reasons.count("PATH_TOO_LONG") == 2
    assert "a\\x85" in failed


async def test_a_second_job_sends_nothing_that_is_there(
    folders: FolderClient, papers: Path
) -> None:
    write(papers, "a.txt")
    write(papers, "large.bin", os.urandom(6 * MIB))
    await folders.sync(papers)
    before = {stat.key: stat.modified_at async for stat in folders.store.list("")}
    write(papers, "a.txt", b"other")

    job = await folders.sync(papers)

    after = {stat.key: stat.modified_at async for stat in folders.store.list("")}
    assert job["state"] == "COMPLETED"
    assert await folders.store.get("a.txt") == b"other"
    assert after["large.bin"] == before["large.bin"]


async def test_a_watched_folder_is_followed(folders: FolderClient, papers: Path) -> None:
    first = write(papers, "a.txt", b"first")
    upload_id = await folders.start(papers, watch=True)
    await folders.ended(upload_id)

    first.write_bytes(b"second")
    write(papers, "new.txt", b"new")

    async def followed() -> bool:
        return await folders.stored() == {"a.txt": b"second", "new.txt": b"new"}

    await eventually(followed)
    job = await folders.ended(upload_id)
    assert (job["state"], job["total_files"]) == ("COMPLETED", 2)
    assert job["next_scan_at"] is not None


async def test_a_file_that_is_being_written_waits_until_it_is_left_alone(
    folders: FolderClient, papers: Path
) -> None:
    path = write(papers, "growing.txt", b"first half")
    age(path, by_s=-60)  # as if somebody wrote to it without a pause until it has been seen
    upload_id = await folders.start(papers)

    async def is_seen() -> bool:
        return "growing.txt" in await folders.files(upload_id)

    await eventually(is_seen)
    with path.open("ab") as file:
        file.write(b" and second half")
    job = await folders.ended(upload_id)

    assert job["state"] == "COMPLETED"
    assert await folders.stored() == {"growing.txt": b"first half and second half"}


async def test_a_deleted_job_stops_and_leaves_what_it_has_uploaded(
    folders: FolderClient, papers: Path
) -> None:
    write(papers, "a.txt")
    upload_id = await folders.start(papers, watch=True)
    await folders.ended(upload_id)
    delete = f"{UPLOADS}{upload_id}"
    client, operator = folders.ingest.client, folders.operator

    answers = [await client.delete(delete, headers=operator) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [204, 204]
    assert (await client.get(delete, headers=operator)).json()["code"] == "FOLDER_JOB_NOT_FOUND"
    write(papers, "b.txt")
    write(papers, "c.txt")
    await folders.sync(papers, pattern="c.txt")
    assert set(await folders.stored()) == {"a.txt", "c.txt"}


async def test_a_job_that_has_ended_starts_again_by_its_id(
    folders: FolderClient, papers: Path
) -> None:
    write(papers, "a.txt")
    wanted = {"upload_id": "nightly"}
    await folders.sync(papers, **wanted)
    write(papers, "b.txt")

    again = await folders.post(papers, **wanted)
    job = await folders.ended("nightly")

    assert again.headers["Idempotency-Replayed"] == "true"
    assert (job["total_files"], job["passes"]) == (2, 2)
    other = await folders.post(papers, **wanted, watch=True)
    assert (other.status_code, other.json()["code"]) == (409, "UPLOAD_ID_TAKEN")


async def test_a_folder_that_has_gone_fails_its_job_and_no_file(
    folders: FolderClient, papers: Path, root: Path
) -> None:
    write(papers, "a.txt")
    upload_id = await folders.start(papers, watch=True)
    await folders.ended(upload_id)
    papers.rename(root / "away")  # noqa: ASYNC240

    async def is_missing() -> bool:
        return bool((await folders.get(upload_id))["failure_reason"] == "FOLDER_MISSING")

    await eventually(is_missing)
    assert {file["state"] for file in (await folders.files(upload_id)).values()} == {"UPLOADED"}
    (root / "away").rename(papers)

    async def is_back() -> bool:
        return bool((await folders.get(upload_id))["state"] == "COMPLETED")

    await eventually(is_back)


async def test_a_folder_that_goes_away_meanwhile_fails_the_job_and_no_file(
    folders: FolderClient, papers: Path, root: Path
) -> None:
    for number in range(2_000):
        write(papers, f"{number:04d}.txt")
    upload_id = await folders.start(papers)

    async def is_under_way() -> bool:
        return bool((await folders.get(upload_id))["completed_files"])

    await eventually(is_under_way)
    # In one step: a file that is looked for while others are still there would be missed alone.
    papers.rename(root / "away")  # noqa: ASYNC240
    rmtree(root / "away")
    job = await folders.ended(upload_id)

    assert (job["state"], job["failure_reason"]) == ("FAILED", "FOLDER_MISSING")
    assert (job["failed_files"], job["progress"] < 1.0) == (0, True)


async def test_files_are_listed_page_by_page(folders: FolderClient, papers: Path) -> None:
    for number in range(5):
        write(papers, f"{number}.txt")
    job = await folders.sync(papers)

    first = await folders.get(job["upload_id"], "/files", limit=3)
    second = await folders.get(job["upload_id"], "/files", limit=3, cursor=first["next_cursor"])

    paths = [item["path"] for item in first["items"] + second["items"]]
    assert paths == [f"{number}.txt" for number in range(5)]
    assert second["next_cursor"] is None
