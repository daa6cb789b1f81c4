"""`docyard sync` against a running ingest, as a person and a script use it."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from tests.integration.ingest.folder_jobs.operating import write
from tests.integration.ingest.serving import SECRET, RunningIngest, running

from docyard import AsyncClient, Endpoints, FolderOrder, NotAllowedError
from docyard_common.auth import mint
from ingest.settings import IngestSettings, SyncSettings

pytestmark = pytest.mark.integration


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


@dataclass
class Terminal:
    ingest: RunningIngest

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ingest.port}"

    async def sync(self, *arguments: str, role: str = "operator") -> Ran:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "docyard", "sync", *arguments),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=os.environ
            | {
                "DOCYARD_URL": self.url,
                "DOCYARD_TOKEN": mint(SECRET, subject="olga", roles=[role]),
            },
        )
        out, err = await process.communicate()
        return Ran(process.returncode or 0, out.decode(), err.decode())


@pytest.fixture
async def terminal(ingest_settings: IngestSettings, tmp_path: Path) -> AsyncIterator[Terminal]:
    sync = SyncSettings(roots=str(tmp_path))
    async with running(ingest_settings.model_copy(update={"sync": sync})) as ingest:
        yield Terminal(ingest)


async def test_a_folder_is_added_followed_listed_and_removed(
    terminal: Terminal, tmp_path: Path
) -> None:
    papers = tmp_path / "papers"
    write(papers, "a.txt")
    write(papers, "b.exe", b"MZ")

    added = await terminal.sync(
        "add", str(papers), "--process", "--id", "papers", "-p", "*.txt", "--wait"
    )
    assert (added.code, added.out) == (0, "papers\tCOMPLETED\t1/1 files uploaded\n")

    again = await terminal.sync("add", str(papers), "--process", "--wait", "--json")
    job: dict[str, Any] = json.loads(again.out)
    assert (again.code, job["state"], job["failed_files"]) == (8, "FAILED", 1)

    failed = await terminal.sync("files", job["upload_id"], "--state", "failed")
    assert failed.out == "FAILED\t2\tUNSUPPORTED_TYPE\t\tb.exe\n"
    files = json.loads((await terminal.sync("files", "papers", "--json")).out)["items"]
    assert [file["path"] for file in files] == ["a.txt"]

    listed = await terminal.sync("ls", "--json")
    names = [item["upload_id"] for item in json.loads(listed.out)["items"]]
    assert names == [job["upload_id"], "papers"]
    assert "COMPLETED" in (await terminal.sync("show", "papers")).out

    assert (await terminal.sync("rm", "papers")).code == 0
    gone = await terminal.sync("show", "papers")
    assert (gone.code, gone.out) == (3, "")
    assert "docyard sync ls" in gone.err


async def test_what_is_refused_has_its_exit_code(terminal: Terminal, tmp_path: Path) -> None:
    assert (await terminal.sync("add", "/etc")).code == 4
    assert (await terminal.sync("add", str(tmp_path), role="user")).code == 4
    assert (await terminal.sync("add", str(tmp_path / "nowhere"), "--json")).code == 6
    assert (await terminal.sync("add", str(tmp_path), "--bucket", "No")).code == 6
    assert (await terminal.sync("add")).code == 2


async def test_an_operators_token_makes_documents_of_whom_the_client_speaks_for(
    terminal: Terminal, tmp_path: Path
) -> None:
    write(tmp_path / "papers", "a.txt")
    endpoints = Endpoints(
        terminal.url,
        terminal.url,
        terminal.url,
        token=mint(SECRET, subject="ann", roles=["user"]),
        operator_token=mint(SECRET, subject="olga", roles=["operator"]),
    )

    async with AsyncClient(endpoints) as docyard:
        order = FolderOrder(str(tmp_path / "papers"), process=True)
        job = await docyard.folder_jobs.start(order)
        assert (await docyard.folder_jobs.start(order)).upload_id == job.upload_id
        async for update in docyard.folder_jobs.watch(job.upload_id, timeout_s=60):
            job = update
        (document,) = (await docyard.documents.list()).items

    assert (job.state, job.progress) == ("COMPLETED", 1.0)
    assert document.filename == "a.txt"
    async with AsyncClient(replace(endpoints, operator_token=None)) as user:
        with pytest.raises(NotAllowedError):
            await user.folder_jobs.list()
