"""One bad document hurts nobody: it dies alone, with the right reason, and not in a loop."""

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from tests.fault.fleet import Fleet, Ledger, token, upload
from tests.unit.extraction.pdfs import make_pdf

pytestmark = [pytest.mark.fault, pytest.mark.timeout(600)]

SLOW = ("tests.fault.programs", "slow")
MIB = 1024 * 1024


def test_documents_that_kill_their_child_fail_alone_after_their_attempts(
    fleet_of: Callable[..., Fleet], ledger: Ledger
) -> None:
    """Memory, an endless loop and a segmentation fault, among documents that are well."""
    fleet = fleet_of(CHILD__MEMORY_BYTES=str(256 * MIB), CHILD__NO_PROGRESS_S="2")
    fleet.start("ingest")
    fleet.start("processor", *SLOW)

    reasons = {"memory": "memory_limit", "loop": "no_progress", "segfault": "child_crashed"}
    for name in reasons:
        upload(fleet, f"{name}.txt", name.encode(), key=name)
    for n in range(20):
        upload(fleet, "20ms.txt", b"x" * (n + 1), key=f"k{n}")

    ledger.wait_for({"completed": 20, "failed": 3}, within_s=120)
    rows = ledger.rows(
        "select filename, error_code, attempt from ingest.documents where state = 'failed'"
    )
    found = {row["filename"].removesuffix(".txt"): row["error_code"] for row in rows}
    assert found == reasons
    assert {row["attempt"] for row in rows} == {3}
    assert ledger.rows("select state from processor.work") == [{"state": "dead"}] * 3


def test_a_pdf_that_kills_its_reader_at_opening_is_read_by_another(
    fleet_of: Callable[..., Fleet], ledger: Ledger, tmp_path: Path
) -> None:
    """validate and two attempts of extract die of it; the third asks pypdf, and it completes."""
    fleet = fleet_of()
    fleet.start("ingest")
    fleet.start("processor", "tests.fault.programs", "fragile")

    document = upload(fleet, "a.pdf", make_pdf(tmp_path / "a.pdf").read_bytes(), key="k")
    ledger.wait_for({"completed": 1}, within_s=120)

    text = httpx.get(
        f"{fleet.url('ingest')}/api/v1/documents/{document}/text",
        headers={"Authorization": f"Bearer {token()}"},
        timeout=60,
        trust_env=False,
    )
    assert "line 0 of page 3" in text.text
    deaths = ledger.rows(
        "select data->>'stage' stage from ingest.document_events"
        " where type = 'docyard.document.stage_retrying.v1' order by seq"
    )
    assert [row["stage"] for row in deaths] == ["validate", "extract", "extract"]


def test_a_ten_minute_document_delays_none_behind_it_and_can_be_cancelled(
    fleet_of: Callable[..., Fleet], ledger: Ledger
) -> None:
    """Those behind it stand in its own lane, of its own owner, and in its only partition."""
    fleet = fleet_of(PROCESSOR__SLOTS="2", KAFKA__PARTITIONS="1")
    fleet.start("ingest")
    fleet.start("processor", *SLOW)
    long = upload(fleet, "600000ms.txt", b"long", key="long")
    ledger.wait_running(long)

    for n in range(20):
        upload(fleet, "10ms.txt", b"x" * (n + 1), key=f"k{n}")
    ledger.wait_for({"completed": 20, "extracting": 1}, within_s=60)

    answer = httpx.post(
        f"{fleet.url('ingest')}/api/v1/documents/{long}/cancel",
        headers={"Authorization": f"Bearer {token()}"},
        timeout=60,
        trust_env=False,
    )
    assert answer.status_code == httpx.codes.ACCEPTED, answer.text
    ledger.wait_for({"completed": 20, "cancelled": 1}, within_s=30)
    ledger.wait_empty("processor.work")


def test_a_document_that_kills_its_worker_is_dead_lettered_as_a_crash_loop(
    fleet_of: Callable[..., Fleet], ledger: Ledger
) -> None:
    fleet = fleet_of(PROCESSOR__MAX_DELIVERIES="2", PROCESSOR__LEASE_S="1")
    fleet.start("ingest")
    fleet.start("processor", *SLOW)
    deadly = upload(fleet, "600000ms.txt", b"long", key="long")

    for fence in (1, 2):
        ledger.wait_running(deadly, fence=fence)
        fleet.kill("processor")
        fleet.start("processor", wait=False)

    ledger.wait_for({"failed": 1}, within_s=60)
    rows = ledger.rows("select error_code from ingest.documents")
    assert rows == [{"error_code": "crash_loop"}]
