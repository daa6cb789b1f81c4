"""A burst of documents while everything is killed at random, servers included."""

import itertools
import random
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import psutil
import pytest
from tests.fault.fleet import Fleet, Ledger, upload

from docyard_stack.servers import Servers

pytestmark = [pytest.mark.fault, pytest.mark.timeout(900)]

DOCUMENTS = 300
CLIENTS = 8
PROCESSORS = ("processor-1", "processor-2")
SLOW = ("tests.fault.programs", "slow")


def kill_server(servers: Servers, name: str) -> None:
    process = servers.part(name).process
    assert process is not None, f"{name} does not run"
    psutil.Process(process.pid).send_signal(signal.SIGKILL)


def kill_and_restart(fleet: Fleet, name: str) -> None:
    fleet.kill(name)
    fleet.start(name, wait=False)


@dataclass
class Chaos:
    """Kills each of `targets` in turn, and then processors until it is told that all is over.

    It starts again what has ended by itself, as a supervisor does: a service whose store was killed
    while it started.
    """

    fleet: Fleet
    servers: Servers
    dice: random.Random
    targets: list[str] = field(
        default_factory=lambda: [
            *(PROCESSORS * 3), "ingest", "notifier", "kafka", "postgres", "object-store",
        ]
    )  # fmt: skip
    over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        self.dice.shuffle(self.targets)
        while self.targets and not self.over.wait(self.dice.uniform(1.5, 3.0)):
            self._kill(self.targets[-1])
            self.targets.pop()
            self._supervise()
        # From here on one that was killed has time to start again, and to work.
        while not self.over.wait(self.dice.uniform(6.0, 9.0)):
            self._kill(self.dice.choice(PROCESSORS))
            self._supervise()

    def _supervise(self) -> None:
        for name, member in self.fleet.members.items():
            if member.process is not None and member.process.poll() is not None:
                self.fleet.start(name, wait=False)

    def _kill(self, target: str) -> None:
        if target in self.fleet.members:
            kill_and_restart(self.fleet, target)
        else:
            kill_server(self.servers, target)


def upload_until(
    fleet: Fleet, client: int, dice: random.Random, enough: Callable[[int], bool]
) -> list[str]:
    """Upload as one of `CLIENTS` until there are *enough* documents of all of them."""
    ids = []
    for n in itertools.count(client, CLIENTS):
        if enough(n):
            break
        name = f"{dice.randint(50, 400)}ms.txt"
        ids.append(upload(fleet, name, b"x" * (n + 1), key=f"k{n}"))
    return ids


def test_nothing_accepted_is_lost_and_nothing_is_seen_twice(
    fault_servers: Servers, fleet_of: Callable[..., Fleet], ledger: Ledger
) -> None:
    """Kill -9 of processors, ingest with its relay, notifier, Kafka, PostgreSQL and the store.

    Documents, 300 and more until each of these was killed, are accepted by clients that retry, and
    processors go on being killed until the work is done. Every document is completed, told to be
    completed once, and none is left in a running state.
    """
    fleet = fleet_of()
    fleet.start("ingest")
    fleet.start("notifier", wait=False)
    for name in PROCESSORS:
        fleet.start(name, *SLOW)
    chaos = Chaos(fleet, fault_servers, random.Random(20261122))

    with ThreadPoolExecutor(CLIENTS + 1) as pool:
        chaotic = pool.submit(chaos.run)
        try:
            ids = upload_all(fleet, pool, chaos, chaotic)
            ledger.wait_for({"completed": len(ids)}, within_s=240)
        finally:
            chaos.over.set()
        chaotic.result()

    assert chaos.targets == [], "what was never killed proves nothing"
    assert len(set(ids)) == len(ids) >= DOCUMENTS
    assert ledger.seen_twice() == 0
    assert ledger.rows("select * from processor.work") == []
    ledger.wait_empty("processor.outbox")
    ledger.wait_empty("ingest.outbox")


def upload_all(
    fleet: Fleet, pool: ThreadPoolExecutor, chaos: Chaos, chaotic: Future[None]
) -> list[str]:
    """Upload beside *chaos* until each of its targets was killed; return the documents' ids."""

    def enough(uploaded: int) -> bool:
        return uploaded >= DOCUMENTS and (not chaos.targets or chaotic.done())

    uploading = [
        pool.submit(upload_until, fleet, client, random.Random(client), enough)
        for client in range(CLIENTS)
    ]
    return [document_id for client in uploading for document_id in client.result()]
