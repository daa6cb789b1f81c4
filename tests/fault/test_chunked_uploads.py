"""A large upload over two replicas while ingest, the store and the client itself are killed.

A sample of what `make fault-uploads` does with a gibibyte, ten times.
"""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from minio import Minio
from tests.fault.fleet import Fleet, Ledger, token
from tests.fault.front import Front
from tests.fault.test_burst_under_kills import kill_server

from docyard_stack.servers import Servers

MIB = 1024 * 1024
PART = 8 * MIB
SIZE = int(os.environ.get("DOCYARD_FAULT_UPLOAD_MIB", "64")) * MIB + 12_345
KILLS = int(os.environ.get("DOCYARD_FAULT_UPLOAD_KILLS", "4"))
ROUNDS = int(os.environ.get("DOCYARD_FAULT_UPLOAD_ROUNDS", "1"))

pytestmark = [pytest.mark.fault, pytest.mark.timeout(600 * ROUNDS)]
REPLICAS = ("ingest-1", "ingest-2")
TARGETS = ("client", "object-store", *REPLICAS)
LARGE = {"LIMITS__MAX_FILE_BYTES": str(16 * 1024 * MIB), "SEARCH__WARM": "false"}


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    """A file of which no two parts are alike; a gibibyte does not outlive its test."""
    path = tmp_path / "large.pdf"
    block = random.Random(tmp_path.name).randbytes(PART)
    with path.open("wb") as file:
        for number in range(-(-SIZE // PART)):
            head = (b"%PDF-1.7\n" if number == 0 else b"") + number.to_bytes(8, "big")
            file.write((head + block)[: min(PART, SIZE - number * PART)])
    yield path
    path.unlink()


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_an_upload_goes_on_after_kills_of_ingest_the_store_and_the_client(
    fault_servers: Servers,
    fleet_of: Callable[..., Fleet],
    ledger: Ledger,
    file: Path,
    round_: int,
) -> None:
    """No part is sent twice but those in flight at a kill, and what is stored is the file."""
    fleet = fleet_of(**LARGE)
    for name in REPLICAS:
        fleet.start(name)
    killer = Killer(fault_servers, fleet, random.Random(20261126 + round_))
    front = Front([fleet.url(name) for name in REPLICAS], on_part=killer.look)
    try:
        accepted = killer.client.run(front.url, file, on_failure=killer.revive)
    finally:
        front.close()

    assert killer.killed == KILLS
    # A replica that is killed between its commit and its answer has taken a part unheard.
    assert front.taken | front.unheard >= set(range(1, -(-SIZE // PART) + 1))
    assert front.sent_again <= front.in_flight_at_kills
    (row,) = ledger.rows("select * from ingest.documents")
    with file.open("rb") as sent:
        sha256 = hashlib.file_digest(sent, "sha256").hexdigest()
    assert (str(row["document_id"]), row["sha256"]) == (accepted["document_id"], sha256)
    assert row["size_bytes"] == SIZE
    require_stored(fault_servers, fleet, row["object_key"], sha256)


class CommandLine:
    """`docyard upload`, given again until it has succeeded, as a person does it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None

    def run(self, url: str, file: Path, *, on_failure: Callable[[], None]) -> dict[str, Any]:
        """Return what is told of the document."""
        while True:
            process = self._start(url, file)
            output, errors = process.communicate()
            if process.returncode == 0:
                [item] = json.loads(output)["items"]
                return dict(item)
            assert process.returncode in {1, -signal.SIGKILL}, errors
            on_failure()

    def kill(self) -> None:
        with self._lock:
            assert self._process is not None
            self._process.kill()

    def _start(self, url: str, file: Path) -> subprocess.Popen[str]:
        environment = os.environ | {
            "DOCYARD_URL": url,
            "DOCYARD_TOKEN": token(),
            "XDG_STATE_HOME": str(file.parent / "state"),
        }
        with self._lock:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "docyard",
                    "upload",
                    "--json",
                    "--via",
                    "chunked",
                    str(file),
                ],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        return self._process


class Killer:
    """Kills something each time that enough parts have come; what is killed is started again."""

    def __init__(self, servers: Servers, fleet: Fleet, dice: random.Random) -> None:
        self._servers = servers
        self._fleet = fleet
        self._at = sorted(dice.sample(range(1, SIZE // PART), KILLS))
        self._targets = [*TARGETS * KILLS][:KILLS]
        dice.shuffle(self._targets)
        self._lock = threading.Lock()
        self._came = 0
        self.killed = 0
        self.client = CommandLine()

    def look(self) -> bool:
        """Return whether something was killed."""
        with self._lock:
            self._came += 1
            if not (self._at and self._came >= self._at[0]):
                return False
            self._at.pop(0)
            self._kill(self._targets.pop())
            return True

    def revive(self) -> None:
        """Start what died at its start, as a supervisor does: the store may have been away then."""
        with self._lock:
            for name in REPLICAS:
                process = self._fleet.members[name].process
                if process is not None and process.poll() is not None:
                    self._fleet.start(name, wait=False)

    def _kill(self, target: str) -> None:
        self.killed += 1
        if target == "client":
            self.client.kill()
        elif target == "object-store":
            kill_server(self._servers, target)
        else:
            self._fleet.kill(target)
            self._fleet.start(target, wait=False)


def require_stored(servers: Servers, fleet: Fleet, key: str, sha256: str) -> None:
    """The bucket holds this object alone, and its bytes are those that were sent."""
    address = servers.object_store
    client = Minio(
        endpoint=address["endpoint"],
        access_key=address["access_key"],
        secret_key=address["secret_key"],
        secure=False,
        region="us-east-1",
    )
    bucket = fleet.environment["OBJECT_STORE__BUCKET"]
    found = client.list_objects(bucket_name=bucket, recursive=True)
    assert [each.object_name for each in found] == [key]
    digest = hashlib.sha256()
    with client.get_object(bucket_name=bucket, object_name=key) as stored:
        for piece in stored.stream(MIB):
            digest.update(piece)
    assert digest.hexdigest() == sha256
