"""The counts that prove the promises notice a defect: each is planted and must be seen."""

import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.fault.fleet import Fleet, Ledger, upload

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


def stuck(ledger: Ledger) -> int:
    """Documents that nobody will ever work on again, once all that can move has come to rest."""
    quiet_since = time.monotonic()
    before: object = None
    while time.monotonic() - quiet_since < 8:
        now = (ledger.states(), ledger.work())
        if now != before or now[1]:
            before, quiet_since = now, time.monotonic()
        time.sleep(0.5)
    return DOCUMENTS - ledger.states().get("completed", 0)


@pytest.mark.parametrize("defect", ["early_commit", "hasty_relay"])
def test_offsets_before_rows_or_deletes_before_acks_lose_documents(
    fleet_of: Callable[..., Fleet], ledger: Ledger, defect: str
) -> None:
    fleet = fleet_of()
    fleet.start("ingest")
    fleet.start("processor", "tests.fault.programs", "slow", defect)

    with ThreadPoolExecutor(1) as pool:
        uploading = pool.submit(upload_all, fleet, "50ms.txt")
        kill_often(fleet, "processor", times=5)
        uploading.result()

    assert stuck(ledger) > 0


@pytest.mark.parametrize("defects", [(), ("no_fence",)])
def test_a_paused_worker_that_comes_back_changes_nothing_but_without_a_fence(
    fleet_of: Callable[..., Fleet], ledger: Ledger, defects: tuple[str, ...]
) -> None:
    """SIGSTOP beyond the lease: another worker finishes, and the one that wakes changes nothing."""
    fleet = fleet_of()
    fleet.start("ingest")
    fleet.start("processor-1", "tests.fault.programs", "slow", *defects)
    upload(fleet, "1500ms.txt", b"x", key="k")
    ledger.wait_running()

    fleet.signal("processor-1", signal.SIGSTOP)
    fleet.start("processor-2", "tests.fault.programs", "slow", *defects)
    ledger.wait_for({"completed": 1}, within_s=60)
    fleet.signal("processor-1", signal.SIGCONT)

    fleet.wait_ready("processor-1")
    upload(fleet, "10ms.txt", b"y", key="after")
    ledger.wait_for({"completed": 2}, within_s=60)
    fleet.wait_idle("processor-1")
    assert ledger.seen_twice() == len(defects)
