"""The counts that prove the promises notice a defect: each is planted and must be seen."""

import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.fault.fleet import Fleet, Ledger, upload
from tests.waiting import until

pytestmark = [pytest.mark.fault, pytest.mark.timeout(600)]

DOCUMENTS = 60


def upload_all(fleet: Fleet, filename: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(
            pool.map(
                lambda n: upload(fleet, filename, b"x" * (n + 1), key=f"k{n}"), range(DOCUMENTS)
            )
        )


def kill_often(fleet: Fleet, name: str, *, times: int) -> None:
    for _ in range(times):
        time.sleep(0.4)
        fleet.kill(name)
        fleet.start(name)


def kill_at_defect(fleet: Fleet, name: str, reached: Path) -> None:
    """Kill it where the defect does harm: it stays there once, for that."""
    until(reached.exists, within_s=120)
    fleet.kill(name)
    fleet.start(name)


def stuck(ledger: Ledger) -> int:
    """Documents that nobody will ever work on again, once all that can move has come to rest.

    Rest is what lasts longer than a group waits for a member that is gone.
    """
    quiet_since = time.monotonic()
    before: object = None
    while time.monotonic() - quiet_since < 12:
        now = (ledger.states(), ledger.work(), unpublished(ledger))
        if now[0] == {"completed": DOCUMENTS}:
            return 0
        if now != before or now[1] or now[2]:
            before, quiet_since = now, time.monotonic()
        time.sleep(0.5)
    return DOCUMENTS - ledger.states().get("completed", 0)


def unpublished(ledger: Ledger) -> int:
    """Rows that a relay has yet to publish."""
    query = "select (select count(*) from ingest.outbox) + (select count(*) from processor.outbox)"
    return int(ledger.rows(f"{query} as n")[0]["n"])


@pytest.mark.parametrize("defects", [(), ("early_commit",), ("hasty_relay",)])
def test_kills_lose_documents_where_offsets_precede_rows_or_deletes_acks_and_nowhere_else(
    fleet_of: Callable[..., Fleet], ledger: Ledger, tmp_path: Path, defects: tuple[str, ...]
) -> None:
    reached = tmp_path / "reached"
    fleet = fleet_of(STUCK_FILE=str(reached))
    fleet.start("ingest")
    fleet.start("processor", "tests.fault.programs", "slow", *defects)

    with ThreadPoolExecutor(1) as pool:
        uploading = pool.submit(upload_all, fleet, "50ms.txt")
        if defects:
            kill_at_defect(fleet, "processor", reached)
        else:
            kill_often(fleet, "processor", times=5)
        uploading.result()

    assert (stuck(ledger) > 0) == bool(defects)


@pytest.mark.parametrize("defects", [(), ("no_fence",)])
def test_a_paused_worker_that_comes_back_changes_nothing_but_without_a_fence(
    fleet_of: Callable[..., Fleet], ledger: Ledger, defects: tuple[str, ...]
) -> None:
    """SIGSTOP beyond the lease: another worker finishes, and the one that wakes changes nothing.

    In one partition, so that a document's end is seen behind all that was told before it.
    """
    fleet = fleet_of(KAFKA__PARTITIONS="1")
    fleet.start("ingest")
    fleet.start("processor-1", "tests.fault.programs", "slow", *defects)
    upload(fleet, "6000ms.txt", b"x", key="k")
    ledger.wait_running()

    fleet.signal("processor-1", signal.SIGSTOP)
    fleet.start("processor-2", "tests.fault.programs", "slow", *defects)
    ledger.wait_for({"completed": 1}, within_s=60)
    fleet.signal("processor-1", signal.SIGCONT)

    fleet.wait_ready("processor-1")
    upload(fleet, "10ms.txt", b"y", key="after")
    ledger.wait_for({"completed": 2}, within_s=60)
    fleet.wait_idle("processor-1")
    ledger.wait_empty("processor.outbox")
    upload(fleet, "10ms.txt", b"z", key="behind")
    ledger.wait_for({"completed": 3}, within_s=60)
    assert ledger.seen_twice() == len(defects)
