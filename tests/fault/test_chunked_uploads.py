"""A large upload over two replicas while ingest and the store are killed.

A sample of what `make fault-uploads` does with a gibibyte, ten times.
"""

import os
import random
import threading
from collections.abc import Callable

import pytest
from minio import Minio
from tests.fault.chunked_client import ChunkedClient
from tests.fault.fleet import Fleet, Ledger
from tests.fault.test_burst_under_kills import kill_server

from docyard_stack.servers import Servers

MIB = 1024 * 1024
SIZE = int(os.environ.get("DOCYARD_FAULT_UPLOAD_MIB", "64")) * MIB + 12_345
KILLS = int(os.environ.get("DOCYARD_FAULT_UPLOAD_KILLS", "3"))
ROUNDS = int(os.environ.get("DOCYARD_FAULT_UPLOAD_ROUNDS", "1"))

pytestmark = [pytest.mark.fault, pytest.mark.timeout(600 * ROUNDS)]
REPLICAS = ("ingest-1", "ingest-2")
LARGE = {"LIMITS__MAX_FILE_BYTES": str(16 * 1024 * MIB), "SEARCH__WARM": "false"}


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_an_upload_goes_on_after_kills_of_ingest_and_of_the_store(
    fault_servers: Servers, fleet_of: Callable[..., Fleet], ledger: Ledger, round_: int
) -> None:
    fleet = fleet_of(**LARGE)
    for name in REPLICAS:
        fleet.start(name)
    dice = random.Random(20261126 + round_)
    killer = Killer(fault_servers, fleet, dice)
    client = ChunkedClient(
        [fleet.url(name) for name in REPLICAS],
        SIZE,
        on_part=killer.look,
        on_failure=killer.revive,
    )

    document_id, sha256 = client.run()

    assert killer.killed == KILLS
    assert client.repeated == 0, "a part was sent again though it had been acknowledged"
    (row,) = ledger.rows("select * from ingest.documents")
    assert (str(row["document_id"]), row["sha256"]) == (document_id, sha256)
    assert row["size_bytes"] == SIZE
    assert bucket_of(fault_servers, fleet) == [row["object_key"]]


class Killer:
    """Kills something each time that enough parts have come; what is killed is started again."""

    def __init__(self, servers: Servers, fleet: Fleet, dice: random.Random) -> None:
        self._servers = servers
        self._fleet = fleet
        parts = SIZE // (8 * MIB)
        self._at = sorted(dice.sample(range(1, parts), KILLS))
        self._targets = [*("object-store", "ingest-1", "ingest-2") * KILLS][:KILLS]
        self._lock = threading.Lock()
        self._came = 0
        self.killed = 0

    def look(self, _: int) -> None:
        with self._lock:
            self._came += 1
            if not (self._at and self._came >= self._at[0]):
                return
            self._at.pop(0)
            self._kill(self._targets.pop())

    def revive(self) -> None:
        """Start what died at its start, as a supervisor does: the store may have been away then."""
        with self._lock:
            for name in REPLICAS:
                process = self._fleet.members[name].process
                if process is not None and process.poll() is not None:
                    self._fleet.start(name, wait=False)

    def _kill(self, target: str) -> None:
        self.killed += 1
        if target == "object-store":
            kill_server(self._servers, target)
        else:
            self._fleet.kill(target)
            self._fleet.start(target, wait=False)


def bucket_of(servers: Servers, fleet: Fleet) -> list[str]:
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
    return [str(each.object_name) for each in found]
