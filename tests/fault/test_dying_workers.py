"""Workers that die under a burst: what they had in hand is done by others, and little else twice.

Ninety documents in the suite, 4,384 by `make fault-burst` (DOCYARD_FAULT_BURST); a worker is killed
every twenty seconds by the clock, one after the other, ready or not.
"""

import itertools
import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from tests.fault.fleet import Fleet, Ledger, upload

from docyard_stack import samples

pytestmark = [pytest.mark.fault, pytest.mark.timeout(7_200)]

DOCUMENTS: Final = int(os.environ.get("DOCYARD_FAULT_BURST", "90"))
KILL_EVERY_S: Final = 20.0
SLOTS: Final = 4
WORKERS: Final = ("processor-1", "processor-2")
WHOLE: Final = 4_000
"""A burst so long that the kills are rare: 1.05 executions a document and stage are enough."""
AGAIN_WITHIN_S: Final = 40.0
AS_OPERATORS_RUN_IT: Final = {
    "PROCESSOR__LEASE_S": "30",
    "KAFKA__SESSION_TIMEOUT_MS": "10000",
    "KAFKA__HEARTBEAT_INTERVAL_MS": "3000",
}
SLOW: Final = ("tests.fault.programs", "slow")


class Killer:
    """Kills one worker after the other by the clock, and starts each again at once."""

    def __init__(self, fleet: Fleet, ledger: Ledger) -> None:
        self._fleet = fleet
        self._ledger = ledger
        self._over = threading.Event()
        self.kills = 0

    @contextmanager
    def at_work(self) -> Iterator[None]:
        thread = threading.Thread(target=self._work)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def _work(self) -> None:
        for name in itertools.cycle(WORKERS):
            self._fleet.kill(name)
            self.kills += 1
            self._fleet.start(name, wait=False)
            if self._over.wait(KILL_EVERY_S):
                return


def send(fleet: Fleet, folder: Path) -> set[str]:
    """Upload the burst, eight at a time; return the ids."""
    documents = samples.burst(folder, DOCUMENTS)

    def one(sample: samples.Sample) -> str:
        return upload(fleet, sample.name, sample.path.read_bytes(), key=sample.name)

    with ThreadPoolExecutor(8) as pool:
        return set(pool.map(one, documents))


def executions(ledger: Ledger) -> dict[str, int]:
    """Picks of each stage: the fence counts those, too, whose worker died."""
    query = "select stage, sum(fence)::int as n from processor.stage_runs where outcome = 'done'"
    return {row["stage"]: row["n"] for row in ledger.rows(f"{query} group by stage")}


def test_a_burst_is_done_once_while_a_worker_is_killed_again_and_again(
    fleet_of: Callable[..., Fleet],
    ledger: Ledger,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fleet = fleet_of(PROCESSOR__SLOTS=str(SLOTS), **AS_OPERATORS_RUN_IT)
    for name in ("ingest", *WORKERS):
        fleet.start(name)
    killer = Killer(fleet, ledger)

    with killer.at_work():
        ids = send(fleet, tmp_path / "burst")
        ledger.wait_for({"completed": DOCUMENTS}, within_s=max(300, 2 * DOCUMENTS))

    ran = executions(ledger)
    with capsys.disabled():
        told = {stage: round(count / DOCUMENTS, 4) for stage, count in ran.items()}
        sys.stdout.write(f"\n{DOCUMENTS} documents, {killer.kills} kills, executions {told}\n")
    assert len(ids) == DOCUMENTS
    assert ledger.seen_twice() == 0
    indexed = ledger.rows("select document_id::text as id, generation from search.documents")
    assert sorted((row["id"], row["generation"]) for row in indexed) == sorted(
        (document_id, 1) for document_id in ids
    )
    # A kill costs what its slots had in hand, and nothing else.
    lost_runs = killer.kills * SLOTS
    allowed = DOCUMENTS + (int(0.05 * DOCUMENTS) if DOCUMENTS >= WHOLE else lost_runs)
    assert {stage: count for stage, count in ran.items() if count > allowed} == {}
    ledger.wait_empty("processor.work")
    ledger.wait_empty("processor.outbox")


def test_the_document_of_a_killed_worker_runs_again_before_long(
    fleet_of: Callable[..., Fleet], ledger: Ledger
) -> None:
    fleet = fleet_of(**AS_OPERATORS_RUN_IT)
    fleet.start("ingest")
    fleet.start("processor-1", *SLOW)
    document_id = upload(fleet, "600000ms.txt", b"long", key="long")
    ledger.wait_running(document_id)
    fleet.start("processor-2", *SLOW)

    fleet.kill("processor-1")

    ledger.wait_running(document_id, fence=2, within_s=AGAIN_WITHIN_S)
