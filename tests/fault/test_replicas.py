"""Replicas that come and go, and processes killed at the worst moment."""

import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psutil
import pytest
from tests.fault.fleet import Fleet, Ledger, upload
from tests.waiting import until

from docyard_common.events import topics
from docyard_common.events.stages import Priority, Stage
from docyard_common.kafka.producer import reliable_producer
from docyard_common.settings import KafkaSettings
from docyard_stack.servers import Servers

pytestmark = [pytest.mark.fault, pytest.mark.timeout(600)]

SLOW = ("tests.fault.programs", "slow")


def test_a_second_replica_that_joins_and_leaves_repeats_almost_nothing(
    fleet_of: Callable[..., Fleet], ledger: Ledger
) -> None:
    """Executions per document and stage stay at or below 1.05, visible effects at one."""
    documents = 100
    fleet = fleet_of(PROCESSOR__LEASE_S="30")
    fleet.start("ingest")
    fleet.start("processor-1", *SLOW)

    with ThreadPoolExecutor(4) as pool:
        uploading = pool.map(
            lambda n: upload(fleet, "300ms.txt", b"x" * (n + 1), key=f"k{n}"), range(documents)
        )
        fleet.start("processor-2", *SLOW)
        ledger.wait_completed(documents // 4)
        fleet.signal("processor-2", signal.SIGTERM)
        process = fleet.members["processor-2"].process
        assert process is not None
        assert process.wait(timeout=60) == 0
        list(uploading)

    ledger.wait_for({"completed": documents}, within_s=120)
    assert ledger.seen_twice() == 0
    assert ledger.executions() <= 1.05


@contextmanager
def mute(servers: Servers, name: str) -> Iterator[None]:
    """Let a server stand still, its connections open."""
    process = servers.part(name).process
    assert process is not None
    server = psutil.Process(process.pid)
    server.suspend()
    try:
        yield
    finally:
        server.resume()


def test_ingest_killed_between_commit_and_publish_loses_nothing(
    fault_servers: Servers, fleet_of: Callable[..., Fleet], ledger: Ledger
) -> None:
    """Each 202 comes while Kafka is silent: what follows from it is a row when ingest is killed."""
    fleet = fleet_of()
    fleet.start("ingest")
    fleet.start("processor", *SLOW)

    for n in range(4):
        until(lambda: ledger.rows("select * from ingest.outbox") == [], within_s=60)
        with mute(fault_servers, "kafka"):
            document_id = upload(fleet, "10ms.txt", b"x" * (n + 1), key=f"k{n}")
            fleet.kill("ingest")
            assert document_id in unpublished(ledger)
        fleet.start("ingest")

    ledger.wait_for({"completed": 4}, within_s=60)
    assert ledger.seen_twice() == 0


def unpublished(ledger: Ledger) -> set[str]:
    """Documents of which nobody but ingest knows yet."""
    rows = ledger.rows("select key from ingest.outbox")
    return {bytes(row["key"]).decode() for row in rows}


def test_children_die_with_a_processor_that_is_killed(
    fleet_of: Callable[..., Fleet], ledger: Ledger
) -> None:
    fleet = fleet_of()
    fleet.start("ingest")
    fleet.start("processor", *SLOW)
    upload(fleet, "600000ms.txt", b"x", key="k")
    ledger.wait_running()
    children = fleet.children("processor")
    assert children

    fleet.kill("processor")

    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []


async def test_poison_records_are_dead_lettered_with_their_bytes_and_delay_nobody(
    fleet_of: Callable[..., Fleet], ledger: Ledger, fault_servers: Servers
) -> None:
    fleet = fleet_of()
    fleet.start("ingest")
    fleet.start("processor", *SLOW)
    fleet.start("dlq-admin")
    prefix = fleet.environment["KAFKA__TOPIC_PREFIX"]
    settings = KafkaSettings(bootstrap_servers=fault_servers.kafka, topic_prefix=prefix)
    topic = f"{prefix}.{topics.work(Stage.VALIDATE, Priority.NORMAL)}"
    poison = [b"\xff not json", None, b"{}", b'{"a": "\\u0000"}']

    producer = reliable_producer(settings, client_id="test")
    await producer.start()
    for value in poison:
        headers = [("ce_type", b"\xff\xfe"), ("nul\x00", None)]
        await producer.send_and_wait(topic, value, key=b"k", headers=headers)
    await producer.stop()
    upload(fleet, "10ms.txt", b"x", key="k")

    ledger.wait_for({"completed": 1}, within_s=60)
    ledger.wait_rows("dlq_admin.entries", len(poison))
    entries = ledger.rows("select value from dlq_admin.entries")
    assert {entry["value"] for entry in entries} == set(poison)
