"""A burst of documents while everything is killed at random, servers included."""

import random
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
from tests.fault.fleet import Fleet, Ledger, upload

from docyard_stack.servers import Servers

pytestmark = [pytest.mark.fault, pytest.mark.timeout(900)]

DOCUMENTS = 300
SLOW = ("tests.fault.programs", "slow")


def kill_server(servers: Servers, name: str) -> None:
    process = servers.part(name).process
    if process is not None and psutil.pid_exists(process.pid):
        psutil.Process(process.pid).send_signal(signal.SIGKILL)


def kill_and_restart(fleet: Fleet, name: str) -> None:
    fleet.kill(name)
    fleet.start(name, wait=False)


def test_nothing_accepted_is_lost_and_nothing_is_seen_twice(
    fault_servers: Servers, fleet_of: Callable[..., Fleet], ledger: Ledger
) -> None:
    """Kill -9 of processors, ingest with its relay, notifier, Kafka, PostgreSQL and the store.

    300 documents are accepted by a client that retries; every one of them is completed, told to
    be completed once, and none is left in a running state.
    """
    fleet = fleet_of()
    fleet.start("ingest")
    fleet.start("notifier", wait=False)
    for name in ("processor-1", "processor-2"):
        fleet.start(name, *SLOW)
    dice = random.Random(20261122)
    over = threading.Event()

    def chaos() -> None:
        targets = [
            *(["processor-1", "processor-2"] * 3),
            "ingest",
            "notifier",
            "kafka",
            "postgres",
            "object-store",
        ]
        dice.shuffle(targets)
        while not over.wait(dice.uniform(1.5, 3.0)):
            target = targets.pop() if targets else dice.choice(["processor-1", "processor-2"])
            if target in fleet.members:
                kill_and_restart(fleet, target)
            else:
                kill_server(fault_servers, target)

    chaotic = threading.Thread(target=chaos)
    chaotic.start()
    try:
        with ThreadPoolExecutor(8) as pool:
            sizes = [dice.randint(50, 400) for _ in range(DOCUMENTS)]
            ids = list(
                pool.map(
                    lambda n: upload(fleet, f"{sizes[n]}ms.txt", b"x" * (n + 1), key=f"k{n}"),
                    range(DOCUMENTS),
                )
            )
    finally:
        over.set()
        chaotic.join()

    assert len(set(ids)) == DOCUMENTS
    ledger.wait_for({"completed": DOCUMENTS}, within_s=240)
    assert ledger.seen_twice() == 0
    assert ledger.rows("select * from processor.work") == []
    ledger.wait_empty("processor.outbox")
    ledger.wait_empty("ingest.outbox")
