"""Folder jobs under kill -9, pauses and a store that is away: every file once, and right.

`DOCYARD_SYNC_FILES=2000` (`make fault-folders`) makes the small sample of the suite a long run.
"""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from minio import Minio
from tests.fault.fleet import Fleet, Ledger, token
from tests.fault.store_proxy import StoreProxy

from docyard_stack.servers import Servers

pytestmark = [pytest.mark.fault, pytest.mark.timeout(900)]

FILES = int(os.environ.get("DOCYARD_SYNC_FILES", "120"))
KILLS = 3 if FILES < 1000 else 10
SLACK = 5 * 3
"""Puts that may be repeated by a kill: what five workers have under way, with parts."""


@pytest.fixture
def papers(tmp_path: Path) -> Path:
    """Small files, and two that go up in parts, left alone for a minute."""
    folder = tmp_path / "papers"
    old = time.time() - 60
    for number in range(FILES):
        path = folder / f"{number % 7}" / f"{number:05d}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"file {number} " * 100)
        os.utime(path, (old, old))
    for number in range(2):
        path = folder / f"large-{number}.txt"
        path.write_bytes(b"%d\n" % number * 4_000_000)
        os.utime(path, (old, old))
    return folder


@pytest.fixture
def proxy(fault_servers: Servers) -> Iterator[StoreProxy]:
    proxy = StoreProxy(fault_servers.object_store["endpoint"])
    yield proxy
    proxy.close()


SETTINGS: Final = {
    "SYNC__LEASE_S": "2",
    "DATABASE__IDLE_TRANSACTION_S": "2",
    "DATABASE__TRANSACTION_S": "5",
    "SEARCH__WARM": "false",
    "LIMITS__OPERATORS__REQUESTS_PER_MINUTE": "0",
}


@pytest.fixture
def fleet_with(
    fleet_of: Callable[..., Fleet], proxy: StoreProxy, tmp_path: Path
) -> Callable[..., Fleet]:
    """Make a fleet of these settings, some of them changed."""

    def make(**changed: str) -> Fleet:
        place = {"OBJECT_STORE__ENDPOINT": proxy.endpoint, "SYNC__ROOTS": str(tmp_path)}
        return fleet_of(**{**SETTINGS, **place, **changed})

    return make


@pytest.fixture
def fleet(fleet_with: Callable[..., Fleet]) -> Fleet:
    return fleet_with()


class Job:
    """A folder job, asked about at any ingest that answers."""

    def __init__(self, fleet: Fleet, folder: Path, **wanted: Any) -> None:
        self._fleet = fleet
        self._headers = {"Authorization": f"Bearer {token('olga', 'operator')}"}
        self.bucket = f"{fleet.environment['OBJECT_STORE__BUCKET']}-files"
        body = {
            "upload_id": "job",
            "source_folder": str(folder),
            "destination_bucket": self.bucket,
        }
        answer = httpx.post(
            f"{fleet.url('ingest')}/api/v1/uploads/",
            json=body | wanted,
            headers=self._headers,
            timeout=60,
            trust_env=False,
        )
        assert answer.status_code == 202, answer.text
        self.seen: list[dict[str, Any]] = []

    def read(self, member: str = "ingest") -> dict[str, Any] | None:
        url = f"{self._fleet.url(member)}/api/v1/uploads/job"
        try:
            answer = httpx.get(url, headers=self._headers, timeout=10, trust_env=False)
        except httpx.HTTPError:
            return None
        if answer.status_code != 200:
            return None
        self.seen.append(answer.json())
        return self.seen[-1]

    def until(self, condition: Callable[[dict[str, Any]], bool], member: str = "ingest") -> Any:
        deadline = time.monotonic() + 300
        while True:
            job = self.read(member)
            if job is not None and condition(job):
                return job
            assert time.monotonic() < deadline, f"stands at {job}"
            time.sleep(0.02)

    def until_ended(self, member: str = "ingest") -> dict[str, Any]:
        job = self.until(lambda job: job["state"] in {"COMPLETED", "FAILED"}, member)
        progress = [seen["progress"] for seen in self.seen]
        assert progress == sorted(progress)
        assert (job["state"], job["failed_files"]) == ("COMPLETED", 0), job
        assert job["completed_files"] == job["total_files"] == FILES + 2
        return dict(job)


def require_all_right(servers: Servers, bucket: str, folder: Path) -> None:
    """Every file lies under its path, byte for byte, and nothing else does."""
    address = servers.object_store
    client = Minio(
        endpoint=address["endpoint"],
        access_key=address["access_key"],
        secret_key=address["secret_key"],
        secure=False,
        region="us-east-1",
    )
    keys = {found.object_name for found in client.list_objects(bucket, recursive=True)}
    files = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    assert keys == set(files)
    for key, path in files.items():
        response = client.get_object(bucket, key)
        assert response.read() == path.read_bytes(), key
        response.close()
        response.release_conn()
    assert client._list_multipart_uploads(bucket).uploads == []  # noqa: SLF001


def puts_of(proxy: StoreProxy, bucket: str) -> int:
    """Puts of keys below the bucket; creating it is one without a key."""
    return sum(n for key, n in proxy.puts.items() if key.startswith(f"{bucket}/"))


def test_a_job_whose_ingest_is_killed_goes_on_and_sends_nothing_twice(
    fleet: Fleet, proxy: StoreProxy, papers: Path, fault_servers: Servers
) -> None:
    fleet.start("ingest")
    job = Job(fleet, papers)

    for kill in range(1, KILLS + 1):
        share = (kill - 1 + random.random()) / (KILLS + 1)
        job.until(lambda seen, share=share: seen["progress"] >= share)  # type: ignore[misc]
        fleet.kill("ingest")
        fleet.start("ingest")
    job.until_ended()

    require_all_right(fault_servers, job.bucket, papers)
    large = 2 * 2  # two parts each
    assert puts_of(proxy, job.bucket) <= FILES + large + KILLS * SLACK


def test_a_store_that_is_away_is_waited_for_and_fails_no_file(
    fleet: Fleet, proxy: StoreProxy, papers: Path, fault_servers: Servers, ledger: Ledger
) -> None:
    fleet.start("ingest")
    proxy.go_away_after(FILES // 4)
    job = Job(fleet, papers)

    waiting = job.until(lambda seen: seen["waiting_for"] == "object_store")
    assert (waiting["state"], waiting["failed_files"]) == ("IN_PROGRESS", 0)
    proxy.come_back()

    assert job.until_ended()["waiting_for"] is None
    require_all_right(fault_servers, job.bucket, papers)
    assert ledger.rows("select * from ingest.sync_files where attempts > 1") == []


def test_two_replicas_share_no_job_and_one_that_was_stopped_does_no_harm(
    fleet: Fleet, proxy: StoreProxy, papers: Path, fault_servers: Servers, ledger: Ledger
) -> None:
    """The holder is stopped until the other has finished, and then goes on."""
    fleet.start("ingest")
    job = Job(fleet, papers, process=True)
    job.until(lambda seen: seen["completed_files"] >= FILES // 5)
    fleet.signal("ingest", signal.SIGSTOP)
    fleet.start("ingest-2")

    job.until_ended("ingest-2")
    fleet.signal("ingest", signal.SIGCONT)
    # Whatever the first one had under way has ended when it answers and nothing is open.
    job.until(lambda seen: seen["state"] == "COMPLETED")

    require_all_right(fault_servers, job.bucket, papers)
    documents = ledger.rows("select filename from ingest.documents")
    assert len(documents) == len({row["filename"] for row in documents}) == FILES + 2
    sent = puts_of(proxy, job.bucket)
    assert FILES + 4 <= sent <= FILES + 4 + SLACK


def test_two_replicas_finish_one_job_once(
    fleet_with: Callable[..., Fleet], proxy: StoreProxy, papers: Path, fault_servers: Servers
) -> None:
    """Nobody dies: the lease outlasts a machine that is busy."""
    fleet = fleet_with(SYNC__LEASE_S="30")
    fleet.start("ingest")
    fleet.start("ingest-2")
    job = Job(fleet, papers)

    job.until_ended()

    require_all_right(fault_servers, job.bucket, papers)
    assert puts_of(proxy, job.bucket) == FILES + 4
