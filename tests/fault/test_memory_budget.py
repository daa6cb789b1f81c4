"""Documents that the memory has no room for wait, and say so; none is lost, none starves."""

from collections.abc import Callable

import pytest
from tests.fault.fleet import Fleet, Ledger, get, upload
from tests.waiting import until

pytestmark = [pytest.mark.fault, pytest.mark.timeout(600)]

DOCUMENTS = 8
SLOW = ("tests.fault.programs", "slow")
RUNNING = "select count(*) as n from processor.work where state = 'running'"


def test_documents_larger_than_the_budget_run_one_at_a_time_also_after_a_kill(
    fleet_of: Callable[..., Fleet], ledger: Ledger
) -> None:
    """Every document may need more than the budget: each runs alone, over all stages."""
    fleet = fleet_of(PROCESSOR__MEMORY_BUDGET_BYTES=str(64 * 1024 * 1024))
    fleet.start("ingest")
    fleet.start("processor", *SLOW)
    for n in range(DOCUMENTS):
        upload(fleet, "800ms.txt", b"x" * (n + 1), key=f"k{n}")
    most, told = 0, 0

    def completed() -> int:
        nonlocal most, told
        most = max(most, ledger.rows(RUNNING)[0]["n"])
        queue = get(fleet, "queue").json()
        told = max([told, *(stage["waiting_for_memory"] for stage in queue["stages"])])
        return ledger.states().get("completed", 0)

    # The processor tells of its queue every two seconds, and all others wait for a while yet.
    until(lambda: completed() >= 1 and told > 0, within_s=120, tell=ledger.work)
    fleet.kill("processor")
    # What ran then keeps its lease for some seconds, and its row.
    until(lambda: not ledger.rows(f"{RUNNING} and lease_until > now()")[0]["n"], within_s=60)
    fleet.start("processor", *SLOW)
    until(lambda: completed() >= DOCUMENTS, within_s=240, tell=ledger.work)

    assert most <= 2  # one, and one that the killed process has left
    assert ledger.seen_twice() == 0
