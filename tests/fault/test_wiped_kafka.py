"""Kafka is lost with all that it held; the queue is rebuilt from the rows."""

import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil
import pytest
from tests.fault.fleet import Fleet, Ledger, token, upload
from tests.waiting import eventually

from docyard_stack.servers import Servers

pytestmark = [pytest.mark.fault, pytest.mark.timeout(600)]

DOCUMENTS = 24
SLOW = ("tests.fault.programs", "slow")


def wipe(servers: Servers) -> None:
    """Take the broker's log away under it, and the broker with it; it starts over an empty one."""
    log = Path(servers.addresses["data"]) / "kafka" / "log"
    log.rename(log.with_name("log.wiped"))
    process = servers.part("kafka").process
    assert process is not None
    psutil.Process(process.pid).send_signal(signal.SIGKILL)


async def test_every_unfinished_document_goes_on_after_kafka_was_wiped(
    fault_servers: Servers, fleet_of: Callable[..., Fleet], ledger: Ledger
) -> None:
    """Kafka's data are erased while documents wait, run, and end; `reconcile` loses none.

    Some are completed without anybody having heard of it, some wait in Kafka alone: every one
    reaches its end.
    """
    fleet = fleet_of()
    fleet.start("ingest")
    fleet.start("processor", *SLOW)
    ids = [
        upload(fleet, f"{200 + 40 * n}ms.txt", b"x" * (n + 1), key=f"k{n}")
        for n in range(DOCUMENTS)
    ]
    await eventually(lambda: ledger.states().get("completed", 0) >= 3)
    # Nobody hears of what ends from here on, and commands reach nobody.
    fleet.signal("ingest", signal.SIGSTOP)
    done = "select count(*) as n from processor.stage_runs where stage = 'index'"
    heard = ledger.states().get("completed", 0)
    await eventually(lambda: ledger.rows(done)[0]["n"] > heard)
    fleet.kill("processor")

    wipe(fault_servers)
    fleet.kill("ingest")
    await eventually(lambda: fault_servers.is_ready("kafka") and is_empty(fault_servers))
    for name in ("ingest", "processor"):
        fleet.start(name)
    headers = {"Authorization": f"Bearer {token('olga', 'operator')}"}
    async with httpx.AsyncClient(headers=headers, timeout=60, trust_env=False) as client:
        answer = await client.post(f"{fleet.url('ingest')}/api/v1/reconcile")

    assert answer.status_code == 200, answer.text
    assert answer.json()["asked"] > 0
    ledger.wait_for({"completed": len(ids)}, within_s=180)
    assert ledger.rows("select * from processor.work") == []
    shutil.rmtree(Path(fault_servers.addresses["data"]) / "kafka" / "log.wiped")


def is_empty(servers: Servers) -> bool:
    return (Path(servers.addresses["data"]) / "kafka" / "log").exists()
